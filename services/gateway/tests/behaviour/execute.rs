//! Requests through the gateway: what is passed on, what is refused and with which code.

use std::time::Duration;

use bytes::Bytes;
use galaxy_client::{Call, Device, Error};
use galaxy_core::{Clock, DeviceSessionId, UserId};
use galaxy_gateway::refusal::Refusal;
use galaxy_proto::{gateway::v1::SignedRequest, push::v1::session_invalidation::Target, signing};
use jiff::SignedDuration;
use serde_json::json;

use crate::support::{FORWARD_LIMITS, Options, WINDOW_MS, World, session_of, until};

/// A change of a signed request.
type Tamper = Box<dyn Fn(&mut SignedRequest)>;

async fn code(device: &Device, request: SignedRequest) -> String {
    match device.send(request).await {
        Ok(response) => format!("{}", response.status),
        Err(error) => error.code().to_owned(),
    }
}

fn account(device: &Device) -> SignedRequest {
    device.request("get_account", Bytes::new())
}

#[tokio::test]
async fn a_signed_request_reaches_the_back_end_as_that_of_its_user() {
    let world = World::new().await;
    let user = UserId::generate();
    let call = Call::new("submit_application")
        .path("game_id", "a/b")
        .query("dry_run", true)
        .body(json!({"race_name": "Zorg"}));
    let device = world.device_of(user);
    let seen = device.execute(call).await.unwrap().ok().unwrap();
    assert_eq!(seen["method"], "POST");
    assert_eq!(
        seen["path_and_query"],
        "/api/v1/user/lobby/games/a%2Fb/applications?dry_run=true"
    );
    assert_eq!(seen["user"], user.to_string());
    assert_eq!(seen["authorization"], "Bearer the-token");
    assert_eq!(seen["content_type"], "application/json");
    assert_eq!(seen["forwarded_for"], "127.0.0.1");
    assert_eq!(seen["body"], r#"{"race_name":"Zorg"}"#);

    let request = account(&device);
    let request_id = request.request_id.clone();
    let seen = device.send(request).await.unwrap().ok().unwrap();
    assert_eq!(seen["request_id"], request_id);
}

#[tokio::test]
async fn a_back_end_that_does_not_know_the_new_token_yet_is_shown_the_old_one() {
    let world = World::with(Options {
        token: "a-newer-token\nthe-token",
        ..Options::default()
    })
    .await;
    let device = world.device_of(UserId::generate());
    let seen = device.send(account(&device)).await.unwrap().ok().unwrap();
    assert_eq!(seen["authorization"], "Bearer the-token");
    world.hub.subscribed().await;
}

#[tokio::test]
async fn an_error_of_the_back_end_comes_signed_with_its_status_and_body() {
    let world = World::new().await;
    let answer = world.device().execute(Call::new("conflict")).await.unwrap();
    assert_eq!(answer.status, 409);
    assert_eq!(answer.ok().unwrap_err().code(), "wrong_state");
}

#[tokio::test]
async fn a_request_is_accepted_once_by_all_gateways_together() {
    let world = World::new().await;
    let other = world.another().await;
    let device = world.device();
    let there = World::at(&device, &other.gateway);
    let request = account(&device);
    assert_eq!(code(&device, request.clone()).await, "200");
    assert_eq!(code(&device, request.clone()).await, "replayed_request");
    assert_eq!(code(&there, request).await, "replayed_request");

    let request = account(&device);
    let attempts = (0..20).map(|n| {
        let at = if n % 2 == 0 { &device } else { &there };
        code(at, request.clone())
    });
    let outcomes = futures_util::future::join_all(attempts).await;
    let accepted = outcomes.iter().filter(|code| *code == "200").count();
    assert_eq!(accepted, 1, "{outcomes:?}");
}

#[tokio::test]
async fn one_request_id_may_be_used_by_two_sessions() {
    let world = World::new().await;
    let (one, two) = (world.device(), world.device());
    let request = account(&one);
    let mut same = account(&two);
    same.request_id.clone_from(&request.request_id);
    let same = signing::sign_request(same, two.key());
    assert_eq!(code(&one, request).await, "200");
    assert_eq!(code(&two, same).await, "200");
}

#[tokio::test]
async fn the_freshness_window_includes_its_bounds() {
    let world = World::new().await;
    let device = world.device();
    for (skew_ms, expected) in [
        (-WINDOW_MS, "200"),
        (-WINDOW_MS - 1, "stale_timestamp"),
        (WINDOW_MS, "200"),
        (WINDOW_MS + 1, "stale_timestamp"),
    ] {
        let now = world.clock.now() + SignedDuration::from_millis(skew_ms);
        let skewed = world.gateway.clone().with_clock(Clock::manual(now));
        let device = World::at(&device, &skewed);
        assert_eq!(
            code(&device, account(&device)).await,
            expected,
            "{skew_ms} ms"
        );
    }
}

#[tokio::test]
async fn a_request_with_any_field_changed_is_refused_and_the_original_stays_valid() {
    let world = World::new().await;
    let (device, other) = (world.device(), world.device());
    let request = account(&device);
    let other_id = other.device_session_id().to_owned();
    let fresh_id = account(&device).request_id;
    let tampers: Vec<(&str, Tamper)> = vec![
        ("unsupported_version", Box::new(|r| r.protocol_version = 2)),
        (
            "invalid_signature",
            Box::new(move |r| r.device_session_id.clone_from(&other_id)),
        ),
        (
            "invalid_signature",
            Box::new(move |r| r.request_id.clone_from(&fresh_id)),
        ),
        ("invalid_signature", Box::new(|r| r.timestamp_ms += 1)),
        (
            "invalid_signature",
            Box::new(|r| r.message_type = "get_slowly".into()),
        ),
        (
            "payload_hash_mismatch",
            Box::new(|r| r.payload = "{}".into()),
        ),
        (
            "payload_hash_mismatch",
            Box::new(|r| r.payload_hash = vec![0; 32].into()),
        ),
        (
            "invalid_signature",
            Box::new(|r| {
                r.payload = "{}".into();
                r.payload_hash = signing::payload_hash(b"{}").to_vec().into();
            }),
        ),
        (
            "invalid_signature",
            Box::new(|r| r.signature = vec![0; 64].into()),
        ),
        (
            "invalid_request",
            Box::new(|r| r.signature = r.signature.slice(..63)),
        ),
    ];
    for (expected, tamper) in tampers {
        let mut tampered = request.clone();
        tamper(&mut tampered);
        assert_eq!(code(&device, tampered).await, expected);
    }
    assert_eq!(
        code(&device, request).await,
        "200",
        "a refused copy must not use the id up"
    );
}

#[tokio::test]
async fn sessions_that_are_unknown_ended_or_of_a_weak_key_are_refused() {
    let world = World::new().await;
    let unknown = world.gateway.device(
        DeviceSessionId::generate().to_string(),
        galaxy_client::generate_key(),
    );
    assert_eq!(code(&unknown, account(&unknown)).await, "unknown_session");

    let ended = world.device();
    world.backend.revoke(session_of(&ended));
    assert_eq!(code(&ended, account(&ended)).await, "session_revoked");

    let weak = world.device();
    let mut identity = [0; 32];
    identity[0] = 1;
    world
        .backend
        .add_session(session_of(&weak), UserId::generate(), &identity);
    assert_eq!(code(&weak, account(&weak)).await, "invalid_signature");
}

#[tokio::test]
async fn a_session_is_looked_up_once_while_the_push_stream_lives_and_always_while_not() {
    let world = World::new().await;
    let device = world.device();
    let session = session_of(&device);
    let cache = world.edge.verifier.sessions.cache();
    let kept = || cache.lookup(session).0.is_some();
    // The first requests may come before the gateway has read the first status of its stream.
    while !kept() {
        assert_eq!(code(&device, account(&device)).await, "200");
    }
    let before = world.backend.lookups();
    for _ in 0..5 {
        assert_eq!(code(&device, account(&device)).await, "200");
    }
    assert_eq!(world.backend.lookups(), before);

    world.hub.go_away();
    until("the gateway notices", || !kept()).await;
    let before = world.backend.lookups();
    for _ in 0..5 {
        assert_eq!(code(&device, account(&device)).await, "200");
    }
    assert_eq!(world.backend.lookups(), before + 5);
}

#[tokio::test]
async fn the_end_of_a_session_ends_its_requests_in_flight() {
    let world = World::new().await;
    let (device, other) = (world.device(), world.device());
    let slow = device.request("get_slowly", Bytes::new());
    let unharmed = other.request("get_slowly", Bytes::new());
    let (ended, finished, ()) = tokio::join!(code(&device, slow), code(&other, unharmed), async {
        until("both are in flight", || world.backend.slow_requests() == 2).await;
        world.backend.revoke(session_of(&device));
        world
            .hub
            .invalidate(Target::DeviceSessionId(device.device_session_id().into()));
        world.backend.release_one();
        world.backend.release_one();
    });
    assert_eq!(finished, "200");
    // Either the end of the session or the answer came first; from here on it is refused.
    assert!(
        ["session_revoked", "200"].contains(&ended.as_str()),
        "{ended}"
    );
    assert_eq!(code(&device, account(&device)).await, "session_revoked");
}

#[tokio::test]
async fn a_request_in_flight_does_not_wait_for_the_back_end_when_its_session_ends() {
    let world = World::new().await;
    let device = world.device();
    let slow = device.request("get_slowly", Bytes::new());
    let (ended, ()) = tokio::join!(code(&device, slow), async {
        until("it is in flight", || world.backend.slow_requests() == 1).await;
        world
            .hub
            .invalidate(Target::DeviceSessionId(device.device_session_id().into()));
    });
    assert_eq!(ended, "session_revoked");
}

#[tokio::test]
async fn a_session_that_ends_between_its_check_and_its_request_is_noticed() {
    let world = World::new().await;
    let device = world.device();
    let request = account(&device);
    let verifier = &world.edge.verifier;
    let source = [127, 0, 0, 1].into();
    let accepted = verifier.verify(&request, source).await.unwrap();
    assert_eq!(
        verifier
            .check_still_active(&accepted, &request.request_id)
            .await,
        Ok(())
    );
    world.backend.revoke(session_of(&device));
    world
        .hub
        .invalidate(Target::DeviceSessionId(device.device_session_id().into()));
    until("the gateway applies the invalidation", || {
        !verifier
            .sessions
            .cache()
            .is_current(accepted.session, accepted.generation)
    })
    .await;
    let verdict = verifier
        .check_still_active(&accepted, &request.request_id)
        .await;
    assert_eq!(verdict, Err(Refusal::SessionRevoked));
}

#[tokio::test]
async fn too_many_requests_are_refused_with_how_long_to_wait() {
    let world = World::with(Options {
        rate: 2,
        ..Options::default()
    })
    .await;
    let device = world.device();
    let mut refusals = vec![];
    for _ in 0..6 {
        if let Err(error) = device.send(account(&device)).await {
            refusals.push(error);
        }
    }
    assert!(!refusals.is_empty());
    for refusal in refusals {
        let Error::Refused {
            code, retry_after, ..
        } = refusal
        else {
            panic!("{refusal}")
        };
        assert_eq!(code, "rate_limited");
        assert_eq!(retry_after, Some(Duration::from_secs(1)));
    }
}

#[tokio::test]
async fn sizes_and_names_are_checked_before_the_session_is_looked_up() {
    let world = World::new().await;
    let device = world.device();
    let large = |kind: &str, size: usize| {
        let body = "x".repeat(size);
        let payload = json!({"path": {"game_id": "1"}, "body": body}).to_string();
        device.request(kind, payload.into())
    };
    let before = world.backend.lookups();
    assert_eq!(
        code(&device, large("submit_application", 90_000)).await,
        "payload_too_large"
    );
    assert_eq!(
        code(&device, large("submit_orders", 1_100_000)).await,
        "payload_too_large"
    );
    let unknown = device.request("list_users", Bytes::new());
    assert_eq!(code(&device, unknown).await, "unknown_message_type");
    let wrong_call = device.request("subscribe_events", Bytes::new());
    assert_eq!(world.backend.lookups(), before);
    assert_eq!(code(&device, wrong_call).await, "invalid_request");
    assert_eq!(
        code(&device, large("submit_orders", 1_000_000)).await,
        "200"
    );
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_forwarded_and_one_byte_more_is_left_to_the_back_end() {
    let world = World::new().await;
    let device = world.device();
    for (operation, limit) in [
        ("submit_application", FORWARD_LIMITS.body),
        ("submit_orders", FORWARD_LIMITS.engine_body),
    ] {
        for size in [limit, limit + 1] {
            // The back end of this test has no limit of its own at these sizes. The payload has room for both, so that the
            // error for the larger one is that of `api`.
            let body = "x".repeat(size - 2);
            let call = Call::new(operation).path("game_id", 1).body(&body);
            let seen = device.execute(call).await.unwrap().ok().unwrap();
            assert_eq!(seen["body"].as_str().unwrap().len(), size, "{operation}");
        }
    }
}

#[tokio::test]
async fn an_answer_of_exactly_the_limit_is_passed_on_and_one_byte_more_is_not() {
    let world = World::new().await;
    let device = world.device();
    let answer = async |size: usize| {
        let call = Call::new("get_bytes").path("size", size);
        device.execute(call).await
    };
    let largest = answer(FORWARD_LIMITS.answer).await.unwrap();
    assert_eq!(largest.payload.len(), FORWARD_LIMITS.answer);
    let refused = answer(FORWARD_LIMITS.answer + 1).await.unwrap_err();
    assert_eq!(refused.code(), "answer_too_large");
}
