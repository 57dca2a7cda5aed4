//! The byte strings that signatures cover.
//!
//! A string is a sequence of fields, each preceded by its length, so that no two
//! different messages share one; the first field is a domain, so that a request's
//! signature fits no response. `gateway.proto` describes the same rules for
//! implementations in other languages.

/// Domain of [`Request`].
pub const REQUEST_DOMAIN: &str = "galaxy.gateway.v1.request";
/// Domain of [`Response`].
pub const RESPONSE_DOMAIN: &str = "galaxy.gateway.v1.response";
/// Domain of [`Event`].
pub const EVENT_DOMAIN: &str = "galaxy.gateway.v1.event";

/// SHA-256 of a payload.
pub type PayloadHash = [u8; 32];

/// What a client signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// Version of the protocol.
    pub protocol_version: u32,
    /// Session that the request belongs to.
    pub device_session_id: &'a str,
    /// Unique for each request.
    pub request_id: &'a str,
    /// The client's clock, milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// Operation that is asked for.
    pub message_type: &'a str,
    /// Binds the payload.
    pub payload_hash: PayloadHash,
}

/// What the gateway signs for a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response<'a> {
    /// Version of the protocol.
    pub protocol_version: u32,
    /// Session of the request that is answered.
    pub device_session_id: &'a str,
    /// Request that is answered.
    pub request_id: &'a str,
    /// The gateway's clock, milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// Status of the back end's answer.
    pub http_status: u32,
    /// Media type of the payload.
    pub content_type: &'a str,
    /// Binds the payload.
    pub payload_hash: PayloadHash,
}

/// What the gateway signs for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// Version of the protocol.
    pub protocol_version: u32,
    /// Session of the subscription.
    pub device_session_id: &'a str,
    /// Request that opened the subscription.
    pub request_id: &'a str,
    /// The gateway's clock, milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// Position in the subscription, from 0.
    pub sequence: u64,
    /// Unique for each event.
    pub event_id: &'a str,
    /// What happened.
    pub kind: &'a str,
    /// Media type of the payload.
    pub content_type: &'a str,
    /// Binds the payload.
    pub payload_hash: PayloadHash,
}

impl Request<'_> {
    /// The string to sign.
    pub fn bytes(&self) -> Vec<u8> {
        Canonical::new(REQUEST_DOMAIN)
            .unsigned(self.protocol_version.into())
            .text(self.device_session_id)
            .text(self.request_id)
            .signed(self.timestamp_ms)
            .text(self.message_type)
            .field(&self.payload_hash)
            .0
    }
}

impl Response<'_> {
    /// The string to sign.
    pub fn bytes(&self) -> Vec<u8> {
        Canonical::new(RESPONSE_DOMAIN)
            .unsigned(self.protocol_version.into())
            .text(self.device_session_id)
            .text(self.request_id)
            .signed(self.timestamp_ms)
            .unsigned(self.http_status.into())
            .text(self.content_type)
            .field(&self.payload_hash)
            .0
    }
}

impl Event<'_> {
    /// The string to sign.
    pub fn bytes(&self) -> Vec<u8> {
        Canonical::new(EVENT_DOMAIN)
            .unsigned(self.protocol_version.into())
            .text(self.device_session_id)
            .text(self.request_id)
            .signed(self.timestamp_ms)
            .unsigned(self.sequence)
            .text(self.event_id)
            .text(self.kind)
            .text(self.content_type)
            .field(&self.payload_hash)
            .0
    }
}

struct Canonical(Vec<u8>);

impl Canonical {
    fn new(domain: &str) -> Self {
        Self(Vec::with_capacity(256)).text(domain)
    }

    fn field(mut self, bytes: &[u8]) -> Self {
        // Messages are limited far below 4 GiB; a longer field could not be sent at all.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    fn text(self, text: &str) -> Self {
        self.field(text.as_bytes())
    }

    fn unsigned(self, number: u64) -> Self {
        self.field(&number.to_be_bytes())
    }

    fn signed(self, number: i64) -> Self {
        self.field(&number.to_be_bytes())
    }
}
