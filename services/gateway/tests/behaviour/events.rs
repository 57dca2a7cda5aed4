//! Streams of events through the gateway: which stream gets an event, and what ends a stream.

use bytes::Bytes;
use galaxy_client::{Call, Event, Subscription};
use galaxy_core::UserId;
use galaxy_proto::push::v1::session_invalidation::Target;
use serde_json::json;

use crate::support::{DEADLINE, Options, World, session_of, until};

async fn next(subscription: &mut Subscription) -> Result<Event, String> {
    let next = tokio::time::timeout(DEADLINE, subscription.next())
        .await
        .unwrap();
    next.map_err(|error| error.code().to_owned())
}

#[tokio::test]
async fn an_event_reaches_every_device_of_its_user_and_of_no_other_user() {
    let world = World::new().await;
    let user = UserId::generate();
    let (phone, tablet, other_user) =
        (world.device_of(user), world.device_of(user), world.device());
    let mut on_phone = phone.subscribe().await.unwrap();
    let mut on_tablet = tablet.subscribe().await.unwrap();
    let mut elsewhere = other_user.subscribe().await.unwrap();
    let for_all = world.hub.event(user, None, "game.turn_ready");
    let for_tablet = world
        .hub
        .event(user, Some(session_of(&tablet)), "only.tablet");
    world.hub.lagged(); // for everyone: shows that nothing came before it

    let event = next(&mut on_phone).await.unwrap();
    assert_eq!(
        (event.kind.as_str(), event.event_id),
        ("game.turn_ready", for_all.clone())
    );
    assert_eq!(event.payload, json!({"turn": 3}));
    assert_eq!(next(&mut on_phone).await.unwrap().kind, "resync");
    assert_eq!(next(&mut on_tablet).await.unwrap().event_id, for_all);
    assert_eq!(next(&mut on_tablet).await.unwrap().event_id, for_tablet);
    assert_eq!(next(&mut elsewhere).await.unwrap().kind, "resync");
}

#[tokio::test]
async fn a_subscription_passes_the_same_checks_as_a_request() {
    let world = World::new().await;
    let device = world.device();
    let request = device.request("subscribe_events", Bytes::new());
    let code = async |request| match device.subscribe_with(request).await {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.code().to_owned(),
    };
    assert_eq!(code(request.clone()).await, "accepted");
    assert_eq!(code(request.clone()).await, "replayed_request");
    assert_eq!(
        code(device.request("get_account", Bytes::new())).await,
        "invalid_request"
    );
    let mut forged = device.request("subscribe_events", Bytes::new());
    forged.timestamp_ms += 1;
    assert_eq!(code(forged).await, "invalid_signature");
    let odd = device.request("subscribe_events", r#"{"x":1}"#.into());
    assert_eq!(code(odd).await, "invalid_request");
}

#[tokio::test]
async fn a_session_that_ends_closes_its_streams_and_those_of_no_other() {
    let world = World::new().await;
    let user = UserId::generate();
    let (ended, other) = (world.device_of(user), world.device_of(user));
    let mut its_stream = ended.subscribe().await.unwrap();
    let mut other_stream = other.subscribe().await.unwrap();
    world.backend.revoke(session_of(&ended));
    world
        .hub
        .invalidate(Target::DeviceSessionId(ended.device_session_id().into()));
    world.hub.event(user, None, "later");
    assert_eq!(next(&mut its_stream).await, Err("session_revoked".into()));
    assert_eq!(next(&mut other_stream).await.unwrap().kind, "later");
    let refused = ended.execute(Call::new("get_account")).await.unwrap_err();
    assert_eq!(refused.code(), "session_revoked");
    assert_eq!(
        ended.subscribe().await.unwrap_err().code(),
        "session_revoked"
    );

    world.hub.invalidate(Target::UserId(user.to_string()));
    assert_eq!(next(&mut other_stream).await, Err("session_revoked".into()));
}

#[tokio::test]
async fn the_gateway_resumes_the_push_stream_behind_the_last_message() {
    let world = World::new().await;
    let user = UserId::generate();
    let mut stream = world.device_of(user).subscribe().await.unwrap();
    world.hub.event(user, None, "before");
    assert_eq!(next(&mut stream).await.unwrap().kind, "before");
    world.hub.break_stream();
    world.hub.subscribed().await;
    assert_eq!(world.hub.cursors(), ["", "cursor-1"]);
    world.hub.event(user, None, "after");
    assert_eq!(
        next(&mut stream).await.unwrap().kind,
        "after",
        "clients do not notice"
    );
}

#[tokio::test]
async fn a_reset_tells_clients_to_resync_and_finds_sessions_whose_end_was_missed() {
    let world = World::new().await;
    let (ended, other) = (world.device(), world.device());
    let mut its_stream = ended.subscribe().await.unwrap();
    let mut other_stream = other.subscribe().await.unwrap();
    world.backend.revoke(session_of(&ended));
    world.hub.reset();
    let event = next(&mut other_stream).await.unwrap();
    assert_eq!(
        (event.kind.as_str(), event.payload),
        ("resync", json!({"reason": "reset"}))
    );
    let end = match next(&mut its_stream).await {
        Ok(_) => next(&mut its_stream).await,
        end => end,
    };
    assert_eq!(end, Err("session_revoked".into()));
}

#[tokio::test]
async fn an_event_that_comes_twice_is_delivered_once() {
    let world = World::new().await;
    let user = UserId::generate();
    let mut stream = world.device_of(user).subscribe().await.unwrap();
    let id = world.hub.event(user, None, "once");
    world.hub.same_event_again(user, &id);
    world.hub.event(user, None, "next");
    assert_eq!(next(&mut stream).await.unwrap().kind, "once");
    assert_eq!(next(&mut stream).await.unwrap().kind, "next");
}

#[tokio::test]
async fn only_the_stream_of_a_client_that_does_not_read_is_ended() {
    let world = World::with(Options {
        queue: 8,
        ..Options::default()
    })
    .await;
    let user = UserId::generate();
    let (slow, fast) = (world.device_of(user), world.device_of(user));
    let mut slow_stream = slow.subscribe().await.unwrap();
    let mut fast_stream = fast.subscribe().await.unwrap();
    let payload = json!({ "text": "x".repeat(30_000) }).to_string();
    let total = 100;
    for _ in 0..total {
        let id = world.hub.event_with(user, None, "big", payload.clone());
        assert_eq!(next(&mut fast_stream).await.unwrap().event_id, id);
    }
    let mut read = 0;
    let end = loop {
        match next(&mut slow_stream).await {
            Ok(_) => read += 1,
            Err(end) => break end,
        }
    };
    assert_eq!(end, "slow_consumer");
    assert!(read < total);
    assert!(slow.subscribe().await.is_ok(), "it may come back");
}

#[tokio::test]
async fn a_feed_subscribes_again_after_a_broken_stream_and_reports_it() {
    let options = Options {
        queue: 2,
        ..Options::default()
    };
    let world = World::with(options).await;
    let user = UserId::generate();
    let mut events = world.device_of(user).events();
    events.ready().await.unwrap();
    let payload = json!({ "text": "x".repeat(30_000) }).to_string();
    for _ in 0..100 {
        world.hub.event_with(user, None, "big", payload.clone());
    }
    let connections = &world.edge.connections;
    until("the unread stream is ended", || {
        connections.streaming_sessions().is_empty()
    })
    .await;
    let kinds = async {
        loop {
            let event = events.next().await.unwrap();
            if event.kind == "resync" {
                return event.payload;
            }
        }
    };
    let payload = tokio::time::timeout(DEADLINE, kinds).await.unwrap();
    assert_eq!(payload, json!({"reason": "reconnected"}));
    world.hub.event(user, None, "after");
    let after = tokio::time::timeout(DEADLINE, events.next())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(after.kind, "after");
}

#[tokio::test]
async fn draining_ends_streams_with_shutting_down() {
    let world = World::new().await;
    let mut stream = world.device().subscribe().await.unwrap();
    let (drained, end) = tokio::join!(world.tasks.shut_down(DEADLINE), next(&mut stream));
    assert!(drained);
    assert_eq!(end, Err("shutting_down".into()));
}
