//! What the canonical strings promise: different messages never share one, and a
//! signed message with any field changed no longer verifies.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use ed25519_dalek::SigningKey;
use galaxy_proto::canonical::{Event, Request, Response};
use galaxy_proto::gateway::v1::{SignedEvent, SignedRequest, SignedResponse};
use galaxy_proto::signing;
use proptest::prelude::*;

/// Fields of a request, owned; short texts of few letters, so that near misses are likely.
type Fields = (u32, String, String, i64, String, [u8; 32]);

fn short_text() -> impl Strategy<Value = String> {
    "[ab\u{0}é]{0,4}"
}

fn fields() -> impl Strategy<Value = Fields> {
    let hash = prop_oneof![Just([0; 32]), Just([1; 32]), any::<[u8; 32]>()];
    (
        0..3u32,
        short_text(),
        short_text(),
        -2..3i64,
        short_text(),
        hash,
    )
}

fn request(fields: &Fields) -> Request<'_> {
    Request {
        protocol_version: fields.0,
        device_session_id: &fields.1,
        request_id: &fields.2,
        timestamp_ms: fields.3,
        message_type: &fields.4,
        payload_hash: fields.5,
    }
}

/// Reads a canonical string back; that this is possible shows that it is unambiguous.
fn split(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut fields = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let (field, rest) = rest.split_at(u32::from_be_bytes(*length).try_into().unwrap());
        fields.push(field.to_vec());
        bytes = rest;
    }
    assert!(bytes.is_empty());
    fields
}

proptest! {
    #[test]
    fn two_different_requests_never_give_the_same_bytes(a in fields(), b in fields()) {
        prop_assert_eq!(a == b, request(&a).bytes() == request(&b).bytes());
    }

    #[test]
    fn moving_a_letter_between_fields_changes_the_bytes(a in "[ab]{1,6}", cut in 0..6usize) {
        let cut = cut.min(a.len());
        let whole = (1, a.clone(), String::new(), 0, String::new(), [0; 32]);
        let moved = (1, a[..cut].to_owned(), a[cut..].to_owned(), 0, String::new(), [0; 32]);
        prop_assert_eq!(whole == moved, request(&whole).bytes() == request(&moved).bytes());
    }

    #[test]
    fn every_field_can_be_read_back(a in fields()) {
        let read = split(&request(&a).bytes());
        prop_assert_eq!(read.len(), 7);
        prop_assert_eq!(&read[0], b"galaxy.gateway.v1.request");
        prop_assert_eq!(&read[1], &u64::from(a.0).to_be_bytes());
        prop_assert_eq!(&read[2], a.1.as_bytes());
        prop_assert_eq!(&read[3], a.2.as_bytes());
        prop_assert_eq!(&read[4], &a.3.to_be_bytes());
        prop_assert_eq!(&read[5], a.4.as_bytes());
        prop_assert_eq!(&read[6], &a.5);
    }

    #[test]
    fn a_request_with_one_bit_flipped_does_not_verify(at in 0..64usize, bit in 0..8u8) {
        let key = SigningKey::from_bytes(&[3; 32]);
        let mut request = signing::sign_request(SignedRequest::default(), &key);
        let hash = signing::check_request_payload(&request).unwrap();
        let mut signature = request.signature.to_vec();
        signature[at] ^= 1 << bit;
        request.signature = signature.into();
        prop_assert!(signing::verify_request(&request, hash, &key.verifying_key()).is_err());
    }
}

#[test]
fn a_request_a_response_and_an_event_never_share_bytes() {
    let hash = [9; 32];
    let request = Request {
        protocol_version: 1,
        device_session_id: "s",
        request_id: "r",
        timestamp_ms: 5,
        message_type: "m",
        payload_hash: hash,
    };
    let response = Response {
        protocol_version: 1,
        device_session_id: "s",
        request_id: "r",
        timestamp_ms: 5,
        http_status: 200,
        content_type: "m",
        payload_hash: hash,
    };
    let event = Event {
        protocol_version: 1,
        device_session_id: "s",
        request_id: "r",
        timestamp_ms: 5,
        sequence: 200,
        event_id: "e",
        kind: "k",
        content_type: "m",
        payload_hash: hash,
    };
    assert_ne!(request.bytes(), response.bytes());
    assert_ne!(response.bytes(), event.bytes());
    assert_ne!(request.bytes(), event.bytes());
}

#[test]
fn changing_any_field_of_a_request_makes_it_invalid() {
    let key = SigningKey::from_bytes(&[3; 32]);
    let request = SignedRequest {
        device_session_id: "session".into(),
        request_id: "request".into(),
        timestamp_ms: 10,
        message_type: "get_account".into(),
        payload: "{}".into(),
        ..SignedRequest::default()
    };
    let request = signing::sign_request(request, &key);
    let tampers: [fn(&mut SignedRequest); 7] = [
        |r| r.protocol_version += 1,
        |r| r.device_session_id.push('x'),
        |r| r.request_id.push('x'),
        |r| r.timestamp_ms += 1,
        |r| r.message_type.push('x'),
        |r| r.payload = "{ }".into(),
        |r| r.payload_hash = vec![0; 32].into(),
    ];
    let valid = |request: &SignedRequest| {
        signing::check_request_payload(request)
            .and_then(|hash| signing::verify_request(request, hash, &key.verifying_key()))
            .is_ok()
    };
    assert!(valid(&request));
    for (index, tamper) in tampers.iter().enumerate() {
        let mut tampered = request.clone();
        tamper(&mut tampered);
        assert!(!valid(&tampered), "tampering {index} went unnoticed");
    }
}

#[test]
fn changing_any_field_of_a_response_makes_it_invalid() {
    let key = SigningKey::from_bytes(&[4; 32]);
    let response = SignedResponse {
        request_id: "request".into(),
        http_status: 200,
        content_type: "application/json".into(),
        payload: "{}".into(),
        ..SignedResponse::default()
    };
    let response = signing::sign_response(response, "session", &key);
    let tampers: [fn(&mut SignedResponse); 7] = [
        |r| r.protocol_version += 1,
        |r| r.request_id.push('x'),
        |r| r.timestamp_ms += 1,
        |r| r.http_status = 201,
        |r| r.content_type.clear(),
        |r| r.payload = "[]".into(),
        |r| r.payload_hash = vec![0; 32].into(),
    ];
    let public = key.verifying_key();
    assert!(signing::verify_response(&response, "session", &public).is_ok());
    assert!(signing::verify_response(&response, "other", &public).is_err());
    for (index, tamper) in tampers.iter().enumerate() {
        let mut tampered = response.clone();
        tamper(&mut tampered);
        let verdict = signing::verify_response(&tampered, "session", &public);
        assert!(verdict.is_err(), "tampering {index} went unnoticed");
    }
}

#[test]
fn changing_any_field_of_an_event_makes_it_invalid() {
    let key = SigningKey::from_bytes(&[4; 32]);
    let event = SignedEvent {
        request_id: "request".into(),
        sequence: 3,
        event_id: "event".into(),
        kind: "game.turn_ready".into(),
        payload: "{}".into(),
        ..SignedEvent::default()
    };
    let event = signing::sign_event(event, "session", &key);
    let tampers: [fn(&mut SignedEvent); 9] = [
        |e| e.protocol_version += 1,
        |e| e.request_id.push('x'),
        |e| e.timestamp_ms += 1,
        |e| e.sequence += 1,
        |e| e.event_id.push('x'),
        |e| e.kind.push('x'),
        |e| e.content_type.push('x'),
        |e| e.payload = "[]".into(),
        |e| e.payload_hash = vec![0; 32].into(),
    ];
    let public = key.verifying_key();
    assert!(signing::verify_event(&event, "session", &public).is_ok());
    assert!(signing::verify_event(&event, "other", &public).is_err());
    for (index, tamper) in tampers.iter().enumerate() {
        let mut tampered = event.clone();
        tamper(&mut tampered);
        let verdict = signing::verify_event(&tampered, "session", &public);
        assert!(verdict.is_err(), "tampering {index} went unnoticed");
    }
}
