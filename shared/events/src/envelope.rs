//! An event on the wire: CloudEvents 1.0 in binary mode, with the W3C trace context beside it.

use async_nats::HeaderMap;
use bytes::Bytes;
use galaxy_core::{EventId, Timestamp};

use crate::catalogue::{AnyEvent, Undecodable};

/// What a consumer gets.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The event's id; the same event keeps it however often it is delivered.
    pub id: EventId,
    /// Its type, `galaxy.<domain>.<name>.v<version>`.
    pub event_type: String,
    /// When the fact was committed.
    pub time: Timestamp,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
    /// The event itself, as JSON.
    pub data: Bytes,
}

impl Envelope {
    /// The event, if this version knows its type.
    pub fn event(&self) -> Result<Option<AnyEvent>, Undecodable> {
        AnyEvent::decode(&self.event_type, &self.data)
    }

    /// Reads a message; the error says which header is missing or wrong.
    pub(crate) fn read(headers: Option<&HeaderMap>, data: Bytes) -> Result<Self, &'static str> {
        let headers = headers.ok_or("it has no headers")?;
        let header = |name| headers.get(name).map(async_nats::HeaderValue::as_str);
        Ok(Self {
            id: header("ce-id")
                .and_then(|id| id.parse().ok())
                .ok_or("its ce-id is not a UUID")?,
            event_type: header("ce-type").ok_or("it has no ce-type")?.to_owned(),
            time: header("ce-time")
                .and_then(|time| time.parse().ok())
                .ok_or("its ce-time is not a time")?,
            traceparent: header("traceparent").map(str::to_owned),
            data,
        })
    }
}

/// The headers of an event about to be published.
pub(crate) fn headers(
    id: EventId,
    event_type: &str,
    about: Option<&str>,
    time: Timestamp,
    content_type: &str,
    traceparent: Option<&str>,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", id.to_string());
    headers.insert("ce-specversion", "1.0");
    headers.insert("ce-id", id.to_string());
    headers.insert("ce-type", event_type);
    headers.insert("ce-source", "galaxy");
    headers.insert("ce-time", time.to_string());
    headers.insert("content-type", content_type);
    if let Some(about) = about {
        headers.insert("ce-subject", about);
    }
    if let Some(traceparent) = traceparent {
        headers.insert("traceparent", traceparent);
    }
    headers
}

#[cfg(test)]
mod tests {
    use galaxy_core::UserId;

    use super::*;
    use crate::{Event as _, catalogue::account::AccountCreated};

    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn published(id: EventId, traceparent: Option<&str>) -> HeaderMap {
        let time = "2026-01-15T12:00:00Z".parse().unwrap();
        let about = Some("a-user");
        headers(
            id,
            AccountCreated::TYPE,
            about,
            time,
            "application/json",
            traceparent,
        )
    }

    fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
        headers.get(name).map(async_nats::HeaderValue::as_str)
    }

    #[test]
    fn a_message_is_a_cloud_event_in_binary_mode() {
        let id = EventId::generate();
        let headers = published(id, Some(TRACE));
        for (name, value) in [
            ("ce-specversion", "1.0"),
            ("ce-id", &id.to_string()),
            ("ce-type", "galaxy.account.created.v1"),
            ("ce-source", "galaxy"),
            ("ce-subject", "a-user"),
            ("ce-time", "2026-01-15T12:00:00Z"),
            ("content-type", "application/json"),
            ("traceparent", TRACE),
        ] {
            assert_eq!(text(&headers, name), Some(value), "{name}");
        }
        let deduplication = text(&headers, "Nats-Msg-Id");
        assert_eq!(deduplication, Some(id.to_string().as_str()));
    }

    #[test]
    fn optional_headers_are_left_out() {
        let time = Timestamp::UNIX_EPOCH;
        let headers = headers(EventId::generate(), "a", None, time, "text/plain", None);
        assert_eq!(text(&headers, "ce-subject"), None);
        assert_eq!(text(&headers, "traceparent"), None);
    }

    #[test]
    fn what_is_published_can_be_read() {
        let event = AccountCreated {
            user_id: UserId::generate(),
        };
        let id = EventId::generate();
        for traceparent in [None, Some(TRACE)] {
            let data = serde_json::to_vec(&event).unwrap();
            let headers = published(id, traceparent);
            let envelope = Envelope::read(Some(&headers), data.into()).unwrap();
            assert_eq!(envelope.id, id);
            assert_eq!(envelope.time.to_string(), "2026-01-15T12:00:00Z");
            assert_eq!(envelope.traceparent.as_deref(), traceparent);
            let Some(AnyEvent::AccountCreated(read)) = envelope.event().unwrap() else {
                panic!("another event")
            };
            assert_eq!(read, event);
        }
    }

    #[test]
    fn a_missing_or_wrong_header_is_named() {
        let read = |name: &str, value: Option<&str>| {
            let mut headers = HeaderMap::new();
            for (known, text) in [
                ("ce-id", "0199d1c4-6e5f-7b3a-9c1d-2f3e4a5b6c7d"),
                ("ce-type", "galaxy.account.created.v1"),
                ("ce-time", "2026-01-15T12:00:00Z"),
            ] {
                match value {
                    Some(value) if known == name => headers.insert(known, value),
                    None if known == name => {}
                    _ => headers.insert(known, text),
                }
            }
            Envelope::read(Some(&headers), Bytes::new()).map(|envelope| envelope.id)
        };
        assert!(read("none", None).is_ok());
        for (name, value) in [
            ("ce-id", None),
            ("ce-id", Some("7")),
            ("ce-type", None),
            ("ce-time", None),
            ("ce-time", Some("noon")),
        ] {
            let reason = read(name, value).unwrap_err();
            assert!(reason.contains(name), "{name} {value:?}: {reason}");
        }
        assert!(Envelope::read(None, Bytes::new()).is_err());
    }
}
