//! The reasons for which the gateway itself ends a request or a stream. The table of codes is in `gateway.proto`.

use std::time::Duration;

use tonic::{Code, Status, metadata::MetadataValue};

/// Metadata key of the code.
pub const ERROR_CODE: &str = "galaxy-error-code";
/// Metadata key of the seconds to wait.
pub const RETRY_AFTER: &str = "retry-after";

/// The code of every refusal.
pub const CODES: &[&str] = &[
    "payload_too_large",
    "invalid_request",
    "unsupported_version",
    "unknown_message_type",
    "payload_hash_mismatch",
    "stale_timestamp",
    "rate_limited",
    "unknown_session",
    "session_revoked",
    "invalid_signature",
    "replayed_request",
    "slow_consumer",
    "stream_replaced",
    "backend_unavailable",
    "backend_timeout",
    "answer_too_large",
    "shutting_down",
];

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Over the size limit of the message type.
    #[error("the payload is larger than {0} bytes")]
    PayloadTooLarge(usize),
    /// A field has the wrong shape; says which.
    #[error("{0}")]
    InvalidRequest(String),
    /// The protocol version is not served.
    #[error("only protocol_version 1 is served")]
    UnsupportedVersion,
    /// No operation has this name.
    #[error("there is no such message_type")]
    UnknownMessageType,
    /// The hash is not that of the payload.
    #[error("payload_hash is not the SHA-256 of payload")]
    PayloadHashMismatch,
    /// The timestamp is outside the window.
    #[error("timestamp_ms is too far from the gateway's clock; check the device's clock")]
    StaleTimestamp,
    /// Too many requests; says how long to wait.
    #[error("too many requests; wait before the next one")]
    RateLimited(Duration),
    /// No such session.
    #[error("there is no such session; sign in")]
    UnknownSession,
    /// The session has ended.
    #[error("the session has ended; sign in again")]
    SessionRevoked,
    /// The signature does not verify.
    #[error("the signature does not verify under the session's key")]
    InvalidSignature,
    /// The request id was used before.
    #[error("this request_id was used before; every request needs a new one")]
    ReplayedRequest,
    /// The reader of a stream is too slow.
    #[error("events were not read fast enough; subscribe again and fetch afresh")]
    SlowConsumer,
    /// Another stream of the same session replaced this one.
    #[error("the session opened more streams than it may have")]
    StreamReplaced,
    /// The back end cannot be reached.
    #[error("the service cannot answer right now; try again in a moment")]
    BackendUnavailable,
    /// The back end did not answer in time.
    #[error("the service did not answer in time")]
    BackendTimeout,
    /// The answer of the back end is larger than the gateway passes on, bytes. It was carried out.
    #[error(
        "the answer is larger than {0} bytes and cannot be passed on; trying again does not help"
    )]
    AnswerTooLarge(usize),
    /// The gateway is stopping.
    #[error("the gateway restarts; try again")]
    ShuttingDown,
}

impl Refusal {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PayloadTooLarge(_) => "payload_too_large",
            Self::InvalidRequest(_) => "invalid_request",
            Self::UnsupportedVersion => "unsupported_version",
            Self::UnknownMessageType => "unknown_message_type",
            Self::PayloadHashMismatch => "payload_hash_mismatch",
            Self::StaleTimestamp => "stale_timestamp",
            Self::RateLimited(_) => "rate_limited",
            Self::UnknownSession => "unknown_session",
            Self::SessionRevoked => "session_revoked",
            Self::InvalidSignature => "invalid_signature",
            Self::ReplayedRequest => "replayed_request",
            Self::SlowConsumer => "slow_consumer",
            Self::StreamReplaced => "stream_replaced",
            Self::BackendUnavailable => "backend_unavailable",
            Self::BackendTimeout => "backend_timeout",
            Self::AnswerTooLarge(_) => "answer_too_large",
            Self::ShuttingDown => "shutting_down",
        }
    }

    /// The gRPC status.
    fn status_code(&self) -> Code {
        match self {
            Self::InvalidRequest(_) | Self::UnsupportedVersion | Self::PayloadHashMismatch => {
                Code::InvalidArgument
            }
            Self::UnknownMessageType => Code::Unimplemented,
            Self::StaleTimestamp => Code::FailedPrecondition,
            Self::PayloadTooLarge(_) | Self::RateLimited(_) | Self::SlowConsumer => {
                Code::ResourceExhausted
            }
            Self::UnknownSession | Self::SessionRevoked | Self::InvalidSignature => {
                Code::Unauthenticated
            }
            Self::ReplayedRequest => Code::AlreadyExists,
            Self::StreamReplaced => Code::Aborted,
            Self::BackendUnavailable | Self::ShuttingDown => Code::Unavailable,
            Self::BackendTimeout => Code::DeadlineExceeded,
            Self::AnswerTooLarge(_) => Code::Internal,
        }
    }

    /// Whether the refusal is the installation's fault and not the request's.
    pub fn is_server_error(&self) -> bool {
        matches!(
            self.status_code(),
            Code::Unavailable | Code::DeadlineExceeded | Code::Internal
        )
    }

    /// How long to wait before another attempt, where that helps.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(wait) => Some(*wait),
            Self::BackendUnavailable | Self::ShuttingDown => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let mut status = Self::new(refusal.status_code(), refusal.to_string());
        let metadata = status.metadata_mut();
        metadata.insert(ERROR_CODE, MetadataValue::from_static(refusal.code()));
        if let Some(wait) = refusal.retry_after() {
            let seconds = wait.as_millis().div_ceil(1_000).max(1);
            let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
            metadata.insert(RETRY_AFTER, MetadataValue::from(seconds));
        }
        status
    }
}
