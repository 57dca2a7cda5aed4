//! An event on the wire: CloudEvents 1.0 in binary mode, with the W3C trace context beside it.

use async_nats::{HeaderMap, jetstream::Message};
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
    pub(crate) fn read(message: &Message) -> Result<Self, &'static str> {
        let headers = message.headers.as_ref().ok_or("it has no headers")?;
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
            data: message.payload.clone(),
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
