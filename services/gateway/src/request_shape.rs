//! The checks of a request that need nothing but the request: size, shape, freshness. Pure.

use galaxy_core::DeviceSessionId;
use galaxy_proto::{
    gateway::v1::SignedRequest,
    signing::{PROTOCOL_VERSION, SUBSCRIBE_EVENTS},
};
use uuid::Uuid;

use crate::{
    config::ForwardLimits,
    refusal::Refusal,
    routes::{Class, Route, Routes},
};

/// A request of the right shape. It is not authenticated.
#[derive(Debug, Clone, Copy)]
pub struct ParsedRequest<'a> {
    /// The session that the request claims.
    pub session: DeviceSessionId,
    pub request_id: Uuid,
    pub target: Target<'a>,
}

/// What a request is for.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// An operation of the back end.
    Operation(&'a Route),
    /// The stream of events.
    Events,
}

impl Target<'_> {
    pub fn class(&self) -> Class {
        match self {
            Self::Operation(route) => route.class(),
            Self::Events => Class::Subscribe,
        }
    }
}

/// Checks the size, then the shape.
pub fn check<'a>(
    request: &SignedRequest,
    routes: &'a Routes,
    limits: &ForwardLimits,
) -> Result<ParsedRequest<'a>, Refusal> {
    let limit = limits.largest_payload();
    if request.payload.len() > limit {
        return Err(Refusal::PayloadTooLarge(limit));
    }
    if request.protocol_version != PROTOCOL_VERSION {
        return Err(Refusal::UnsupportedVersion);
    }
    let session = uuid("device_session_id", &request.device_session_id)?;
    let request_id = uuid("request_id", &request.request_id)?;
    length("payload_hash", &request.payload_hash, 32)?;
    length("signature", &request.signature, 64)?;
    let target = if request.message_type == SUBSCRIBE_EVENTS {
        Target::Events
    } else {
        let route = routes.find(&request.message_type);
        Target::Operation(route.ok_or(Refusal::UnknownMessageType)?)
    };
    let limit = limits.payload(target.class());
    if request.payload.len() > limit {
        return Err(Refusal::PayloadTooLarge(limit));
    }
    Ok(ParsedRequest {
        session: session.into(),
        request_id,
        target,
    })
}

/// Whether a request signed at `timestamp_ms` is fresh at `now_ms`: at most `window_ms` away in
/// either direction, the edges included.
pub fn is_fresh(timestamp_ms: i64, now_ms: i64, window_ms: u64) -> bool {
    timestamp_ms.abs_diff(now_ms) <= window_ms
}

/// Accepts only the canonical text of a UUID: if one id had several texts, each could be replayed once.
fn uuid(field: &str, text: &str) -> Result<Uuid, Refusal> {
    let wrong = || Refusal::InvalidRequest(format!("{field} must be a lower-case hyphenated UUID"));
    let id = Uuid::try_parse(text).map_err(|_| wrong())?;
    let mut buffer = Uuid::encode_buffer();
    if id.hyphenated().encode_lower(&mut buffer) == text {
        Ok(id)
    } else {
        Err(wrong())
    }
}

fn length(field: &str, bytes: &[u8], expected: usize) -> Result<(), Refusal> {
    if bytes.len() == expected {
        return Ok(());
    }
    Err(Refusal::InvalidRequest(format!(
        "{field} must have {expected} bytes"
    )))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITS: ForwardLimits = ForwardLimits {
        body: 2_000,
        engine_body: 3_000,
        timeout: Duration::ZERO,
        engine_timeout: Duration::ZERO,
        answer: 0,
    };
    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn request() -> SignedRequest {
        SignedRequest {
            protocol_version: 1,
            device_session_id: ID.into(),
            request_id: ID.into(),
            timestamp_ms: 0,
            message_type: "subscribe_events".into(),
            payload: vec![].into(),
            payload_hash: vec![0; 32].into(),
            signature: vec![0; 64].into(),
        }
    }

    fn code(change: impl FnOnce(&mut SignedRequest)) -> &'static str {
        let mut request = request();
        change(&mut request);
        check(&request, &Routes::default(), &LIMITS)
            .map_or_else(|refusal| refusal.code(), |_| "accepted")
    }

    #[test]
    fn each_wrong_shape_has_its_code() {
        assert_eq!(code(|_| {}), "accepted");
        assert_eq!(
            code(|r| r.payload = vec![0; LIMITS.largest_payload() + 1].into()),
            "payload_too_large"
        );
        assert_eq!(
            code(|r| r.payload = vec![0; 1_025].into()),
            "payload_too_large"
        );
        assert_eq!(code(|r| r.protocol_version = 0), "unsupported_version");
        assert_eq!(code(|r| r.protocol_version = 2), "unsupported_version");
        assert_eq!(
            code(|r| r.payload_hash = vec![0; 31].into()),
            "invalid_request"
        );
        assert_eq!(
            code(|r| r.signature = vec![0; 65].into()),
            "invalid_request"
        );
        assert_eq!(
            code(|r| r.message_type = "get_nothing".into()),
            "unknown_message_type"
        );
    }

    #[test]
    fn an_id_has_exactly_one_accepted_text() {
        for text in [
            "",
            "x",
            "01890A5D-AC96-774B-BCCE-B302099A8057",
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
            "01890a5d-ac96-774b-bcce-b302099a8057 ",
        ] {
            assert_eq!(
                code(|r| r.request_id = text.into()),
                "invalid_request",
                "{text}"
            );
            assert_eq!(
                code(|r| r.device_session_id = text.into()),
                "invalid_request",
                "{text}"
            );
        }
    }

    #[test]
    fn the_window_includes_its_bounds() {
        let (now, window) = (1_767_225_600_000, 300_000);
        for (timestamp, fresh) in [
            (now, true),
            (now - 300_000, true),
            (now - 300_001, false),
            (now + 300_000, true),
            (now + 300_001, false),
            (0, false),
            (i64::MIN, false),
            (i64::MAX, false),
        ] {
            assert_eq!(is_fresh(timestamp, now, window), fresh, "{timestamp}");
        }
    }
}
