//! Making and checking the signatures of requests, responses and events.
//!
//! Verification is strict (`verify_strict`): one message has one valid signature
//! under one key, and keys of small order, under which a signature fits many
//! messages, are refused.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use prost::bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::canonical::{self, PayloadHash};
use crate::gateway::v1::{SignedEvent, SignedRequest, SignedResponse};

/// The protocol version of this crate.
pub const PROTOCOL_VERSION: u32 = 1;
/// `message_type` of a subscription.
pub const SUBSCRIBE_EVENTS: &str = "subscribe_events";

/// Why bytes are no usable public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not 32 bytes.
    #[error("an Ed25519 public key has 32 bytes")]
    Length,
    /// Not the canonical encoding of a point of the curve.
    #[error("the key is not a point of the curve in canonical form")]
    NotAPoint,
    /// A point of small order.
    #[error("the key is weak: its order is small")]
    Weak,
}

/// Why a signed message is not authentic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// `payload_hash` is not the SHA-256 of `payload`.
    #[error("the payload hash does not match the payload")]
    PayloadHash,
    /// The signature is malformed or does not fit.
    #[error("the signature does not verify")]
    Signature,
}

/// SHA-256 of `payload`.
pub fn payload_hash(payload: &[u8]) -> PayloadHash {
    Sha256::digest(payload).into()
}

/// Reads a public key, refusing what no honest key generation makes.
pub fn parse_public_key(bytes: &[u8]) -> Result<VerifyingKey, KeyError> {
    let bytes: &[u8; 32] = bytes.try_into().map_err(|_| KeyError::Length)?;
    let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotAPoint)?;
    if key.is_weak() {
        return Err(KeyError::Weak);
    }
    if key.to_edwards().compress().as_bytes() != bytes {
        return Err(KeyError::NotAPoint);
    }
    Ok(key)
}

/// Sets `protocol_version`, `payload_hash` and `signature` of a request.
pub fn sign_request(mut request: SignedRequest, key: &SigningKey) -> SignedRequest {
    request.protocol_version = PROTOCOL_VERSION;
    let hash = payload_hash(&request.payload);
    request.payload_hash = Bytes::copy_from_slice(&hash);
    request.signature = sign(key, &request_view(&request, hash).bytes());
    request
}

/// Sets `protocol_version`, `payload_hash` and `signature` of a response to a
/// request of `device_session_id`.
pub fn sign_response(
    mut response: SignedResponse,
    device_session_id: &str,
    key: &SigningKey,
) -> SignedResponse {
    response.protocol_version = PROTOCOL_VERSION;
    let hash = payload_hash(&response.payload);
    response.payload_hash = Bytes::copy_from_slice(&hash);
    response.signature = sign(
        key,
        &response_view(&response, device_session_id, hash).bytes(),
    );
    response
}

/// Sets `protocol_version`, `payload_hash` and `signature` of an event for a
/// subscription of `device_session_id`.
pub fn sign_event(
    mut event: SignedEvent,
    device_session_id: &str,
    key: &SigningKey,
) -> SignedEvent {
    event.protocol_version = PROTOCOL_VERSION;
    let hash = payload_hash(&event.payload);
    event.payload_hash = Bytes::copy_from_slice(&hash);
    event.signature = sign(key, &event_view(&event, device_session_id, hash).bytes());
    event
}

/// Whether `payload_hash` of a request is that of its payload: the half of
/// [`verify_request`] that needs no key.
pub fn check_request_payload(request: &SignedRequest) -> Result<PayloadHash, VerifyError> {
    check_payload(&request.payload, &request.payload_hash)
}

/// Checks a request against the session's key. `hash` comes from
/// [`check_request_payload`].
pub fn verify_request(
    request: &SignedRequest,
    hash: PayloadHash,
    key: &VerifyingKey,
) -> Result<(), VerifyError> {
    verify(
        key,
        &request_view(request, hash).bytes(),
        &request.signature,
    )
}

/// Checks a response to a request of `device_session_id`. The caller compares
/// `request_id` with its request.
pub fn verify_response(
    response: &SignedResponse,
    device_session_id: &str,
    key: &VerifyingKey,
) -> Result<(), VerifyError> {
    let hash = check_payload(&response.payload, &response.payload_hash)?;
    let bytes = response_view(response, device_session_id, hash).bytes();
    verify(key, &bytes, &response.signature)
}

/// Checks an event of a subscription of `device_session_id`. The caller compares
/// `request_id` with its subscription and `sequence` with what it expects.
pub fn verify_event(
    event: &SignedEvent,
    device_session_id: &str,
    key: &VerifyingKey,
) -> Result<(), VerifyError> {
    let hash = check_payload(&event.payload, &event.payload_hash)?;
    let bytes = event_view(event, device_session_id, hash).bytes();
    verify(key, &bytes, &event.signature)
}

fn check_payload(payload: &[u8], claimed: &[u8]) -> Result<PayloadHash, VerifyError> {
    let hash = payload_hash(payload);
    if claimed == hash {
        Ok(hash)
    } else {
        Err(VerifyError::PayloadHash)
    }
}

fn sign(key: &SigningKey, bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&key.sign(bytes).to_bytes())
}

fn verify(key: &VerifyingKey, bytes: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
    let signature = Signature::from_slice(signature).map_err(|_| VerifyError::Signature)?;
    key.verify_strict(bytes, &signature)
        .map_err(|_| VerifyError::Signature)
}

fn request_view(request: &SignedRequest, payload_hash: PayloadHash) -> canonical::Request<'_> {
    canonical::Request {
        protocol_version: request.protocol_version,
        device_session_id: &request.device_session_id,
        request_id: &request.request_id,
        timestamp_ms: request.timestamp_ms,
        message_type: &request.message_type,
        payload_hash,
    }
}

fn response_view<'a>(
    response: &'a SignedResponse,
    device_session_id: &'a str,
    payload_hash: PayloadHash,
) -> canonical::Response<'a> {
    canonical::Response {
        protocol_version: response.protocol_version,
        device_session_id,
        request_id: &response.request_id,
        timestamp_ms: response.timestamp_ms,
        http_status: response.http_status,
        content_type: &response.content_type,
        payload_hash,
    }
}

fn event_view<'a>(
    event: &'a SignedEvent,
    device_session_id: &'a str,
    payload_hash: PayloadHash,
) -> canonical::Event<'a> {
    canonical::Event {
        protocol_version: event.protocol_version,
        device_session_id,
        request_id: &event.request_id,
        timestamp_ms: event.timestamp_ms,
        sequence: event.sequence,
        event_id: &event.event_id,
        kind: &event.kind,
        content_type: &event.content_type,
        payload_hash,
    }
}
