//! What can go wrong between a client and the gateway.

use std::time::Duration;

use galaxy_proto::signing::{KeyError, VerifyError};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address does not parse.
    #[error("{0:?} is not the address of a gateway: give scheme, host and port")]
    Address(String),
    /// The gateway's public key is unusable.
    #[error("the gateway's public key is unusable: {0}")]
    GatewayKey(#[from] KeyError),
    /// The gateway cannot be reached.
    #[error("the gateway cannot be reached: {0}")]
    Unreachable(String),
    /// The gateway refused the request, or ended the stream.
    #[error("the gateway refused with {code} ({status:?}): {message}")]
    Refused {
        /// The gateway's code, for example `replayed_request`; empty when it gave none.
        code: String,
        /// The status of the gRPC call.
        status: tonic::Code,
        /// A sentence for people.
        message: String,
        /// How long to wait before another attempt.
        retry_after: Option<Duration>,
    },
    /// The back end answered with an error.
    #[error("the back end answered {status} {code}: {message}")]
    Api {
        /// HTTP status.
        status: u16,
        /// The back end's code, for example `invalid_code`.
        code: String,
        /// A sentence for people.
        message: String,
    },
    /// What arrived was not signed by the gateway.
    #[error("what arrived was not signed by the gateway: {0}")]
    Forged(#[from] VerifyError),
    /// What arrived belongs to another request, or an event is missing before it.
    #[error("what arrived does not belong here: {0}")]
    Misplaced(&'static str),
    /// What arrived is not the JSON that was expected.
    #[error("what arrived is not the JSON that was expected: {0}")]
    Json(#[from] serde_json::Error),
    /// The stream ended without an error.
    #[error("the gateway ended the stream")]
    Ended,
}

impl Error {
    /// The code of a refusal, the gateway's or the back end's; empty for other errors.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } | Self::Api { code, .. } => code,
            _ => "",
        }
    }

    /// Whether the session itself is at its end, so that only signing in helps.
    pub fn is_signed_out(&self) -> bool {
        matches!(
            self.code(),
            "session_revoked" | "unknown_session" | "invalid_signature"
        )
    }

    /// Reads the back end's error body.
    pub(crate) fn api(status: u16, body: &serde_json::Value) -> Self {
        let text = |field: &str| body["error"][field].as_str().unwrap_or_default().to_owned();
        Self::Api {
            status,
            code: text("code"),
            message: text("message"),
        }
    }
}

impl From<galaxy_http_client::Error> for Error {
    fn from(error: galaxy_http_client::Error) -> Self {
        Self::Unreachable(error.to_string())
    }
}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        let text = |name: &str| {
            status
                .metadata()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        Self::Refused {
            code: text("galaxy-error-code").to_owned(),
            retry_after: text("retry-after").parse().ok().map(Duration::from_secs),
            status: status.code(),
            message: status.message().to_owned(),
        }
    }
}
