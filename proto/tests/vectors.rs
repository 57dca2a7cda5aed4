//! `gateway/v1/vectors.json` is what other languages check themselves against, so
//! this crate has to produce and accept exactly what it says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use ed25519_dalek::SigningKey;
use galaxy_proto::canonical;
use galaxy_proto::gateway::v1::{SignedEvent, SignedRequest, SignedResponse};
use galaxy_proto::signing::{self, KeyError, VerifyError};
use serde_json::{Value, json};

const COMMITTED: &str = include_str!("../gateway/v1/vectors.json");
const SESSION: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const REQUEST: &str = "01890a5d-ac97-7d6e-9b52-0d7c3f1a2b3c";
const EVENT: &str = "01890a5d-ac98-7000-8000-00000000002a";
/// Little-endian order of the base point: adding it to `s` gives the malleable twin.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn client_key() -> SigningKey {
    SigningKey::from_bytes(&std::array::from_fn(|i| u8::try_from(i).unwrap()))
}

fn gateway_key() -> SigningKey {
    SigningKey::from_bytes(&std::array::from_fn(|i| 0x80 + u8::try_from(i).unwrap()))
}

fn key(name: &str, key: &SigningKey) -> Value {
    json!({ "name": name, "seed": hex(&key.to_bytes()),
        "public_key": hex(key.verifying_key().as_bytes()) })
}

fn requests() -> Vec<SignedRequest> {
    let base = SignedRequest {
        device_session_id: SESSION.into(),
        request_id: REQUEST.into(),
        timestamp_ms: 1_767_225_600_000,
        message_type: "get_account".into(),
        ..SignedRequest::default()
    };
    let with = |message_type: &str, timestamp_ms, payload: &'static str| SignedRequest {
        message_type: message_type.into(),
        timestamp_ms,
        payload: payload.into(),
        ..base.clone()
    };
    [
        base.clone(),
        with("subscribe_events", 1_767_225_600_001, "{}"),
        with(
            "update_profile",
            1_767_225_600_002,
            r#"{"body":{"display_name":"Zoë 🚀"}}"#,
        ),
        with(
            "get_game",
            -1,
            r#"{"path":{"game_id":"01890a5d-ac99-7000-8000-000000000001"}}"#,
        ),
    ]
    .map(|request| signing::sign_request(request, &client_key()))
    .into()
}

fn request_vector(request: &SignedRequest) -> Value {
    let hash = signing::check_request_payload(request).unwrap();
    let view = canonical::Request {
        protocol_version: request.protocol_version,
        device_session_id: &request.device_session_id,
        request_id: &request.request_id,
        timestamp_ms: request.timestamp_ms,
        message_type: &request.message_type,
        payload_hash: hash,
    };
    json!({
        "protocol_version": request.protocol_version,
        "device_session_id": request.device_session_id,
        "request_id": request.request_id,
        "timestamp_ms": request.timestamp_ms,
        "message_type": request.message_type,
        "payload": hex(&request.payload),
        "payload_hash": hex(&request.payload_hash),
        "canonical": hex(&view.bytes()),
        "signature": hex(&request.signature),
    })
}

fn response_vector() -> Value {
    let response = SignedResponse {
        request_id: REQUEST.into(),
        timestamp_ms: 1_767_225_600_123,
        http_status: 409,
        content_type: "application/json".into(),
        payload: r#"{"error":{"code":"wrong_state"}}"#.into(),
        ..SignedResponse::default()
    };
    let response = signing::sign_response(response, SESSION, &gateway_key());
    let view = canonical::Response {
        protocol_version: 1,
        device_session_id: SESSION,
        request_id: REQUEST,
        timestamp_ms: response.timestamp_ms,
        http_status: response.http_status,
        content_type: &response.content_type,
        payload_hash: signing::payload_hash(&response.payload),
    };
    json!({
        "protocol_version": response.protocol_version,
        "device_session_id": SESSION,
        "request_id": response.request_id,
        "timestamp_ms": response.timestamp_ms,
        "http_status": response.http_status,
        "content_type": response.content_type,
        "payload": hex(&response.payload),
        "payload_hash": hex(&response.payload_hash),
        "canonical": hex(&view.bytes()),
        "signature": hex(&response.signature),
    })
}

fn event_vector() -> Value {
    let event = SignedEvent {
        request_id: REQUEST.into(),
        timestamp_ms: 1_767_225_601_000,
        sequence: 7,
        event_id: EVENT.into(),
        kind: "game.turn_ready".into(),
        content_type: "application/json".into(),
        payload: r#"{"turn":12}"#.into(),
        ..SignedEvent::default()
    };
    let event = signing::sign_event(event, SESSION, &gateway_key());
    let view = canonical::Event {
        protocol_version: 1,
        device_session_id: SESSION,
        request_id: REQUEST,
        timestamp_ms: event.timestamp_ms,
        sequence: event.sequence,
        event_id: &event.event_id,
        kind: &event.kind,
        content_type: &event.content_type,
        payload_hash: signing::payload_hash(&event.payload),
    };
    json!({
        "protocol_version": event.protocol_version,
        "device_session_id": SESSION,
        "request_id": event.request_id,
        "timestamp_ms": event.timestamp_ms,
        "sequence": event.sequence,
        "event_id": event.event_id,
        "kind": event.kind,
        "content_type": event.content_type,
        "payload": hex(&event.payload),
        "payload_hash": hex(&event.payload_hash),
        "canonical": hex(&view.bytes()),
        "signature": hex(&event.signature),
    })
}

/// The same signature with the order of the group added to its scalar.
fn malleable(signature: &[u8]) -> Vec<u8> {
    let mut twin = signature.to_vec();
    let mut carry = 0;
    for (byte, order) in twin[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    twin
}

fn refused_keys() -> Value {
    let zero = [0u8; 32];
    let mut one = zero;
    one[0] = 1;
    let mut not_a_point = zero;
    not_a_point[0] = 2;
    let order_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";
    // y = p + 3: a point, written with a number that is not reduced.
    let unreduced = format!("f0{}7f", "ff".repeat(30));
    json!([
        { "public_key": hex(&zero), "why": "small order: 4" },
        { "public_key": hex(&one), "why": "small order: the identity" },
        { "public_key": order_8, "why": "small order: 8" },
        { "public_key": hex(&not_a_point), "why": "no point has this y" },
        { "public_key": unreduced, "why": "not in canonical form: y is not below p" },
    ])
}

fn document() -> Value {
    let requests = requests();
    json!({
        "about": "Byte strings are hexadecimal. The rules are in gateway.proto.",
        "keys": [key("client", &client_key()), key("gateway", &gateway_key())],
        "requests": requests.iter().map(request_vector).collect::<Vec<_>>(),
        "responses": [response_vector()],
        "events": [event_vector()],
        "refused_keys": refused_keys(),
        "refused_signatures": [{
            "of": "the first request",
            "why": "s is not below the order of the group",
            "signature": hex(&malleable(&requests[0].signature)),
        }],
    })
}

#[test]
fn the_committed_vectors_are_what_this_crate_produces() {
    let committed: Value = serde_json::from_str(COMMITTED).unwrap_or_default();
    let document = document();
    assert!(
        committed == document,
        "vectors.json should be:\n{}",
        serde_json::to_string_pretty(&document).unwrap()
    );
}

#[test]
fn the_committed_refused_keys_are_refused() {
    let committed: Value = serde_json::from_str(COMMITTED).unwrap();
    for refused in committed["refused_keys"].as_array().unwrap() {
        let bytes = unhex(refused["public_key"].as_str().unwrap());
        let error = signing::parse_public_key(&bytes).unwrap_err();
        let weak = refused["why"].as_str().unwrap().starts_with("small order");
        assert_eq!(
            error,
            if weak {
                KeyError::Weak
            } else {
                KeyError::NotAPoint
            },
            "{refused}"
        );
    }
    assert_eq!(signing::parse_public_key(&[7; 31]), Err(KeyError::Length));
}

#[test]
fn the_malleable_twin_of_a_signature_is_refused() {
    let mut request = requests().remove(0);
    let hash = signing::check_request_payload(&request).unwrap();
    let key = client_key().verifying_key();
    assert_eq!(signing::verify_request(&request, hash, &key), Ok(()));
    request.signature = malleable(&request.signature).into();
    let verdict = signing::verify_request(&request, hash, &key);
    assert_eq!(verdict, Err(VerifyError::Signature));
}
