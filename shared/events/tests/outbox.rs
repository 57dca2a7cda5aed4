//! What a transaction leaves in the outbox and in the inbox.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use galaxy_core::{DeviceSessionId, EventId, RevocationReason, Timestamp, UserId};
use galaxy_events::{
    Event as _,
    catalogue::account::AccountCreated,
    inbox, outbox,
    push::{
        CLIENT_SUBJECT, INVALIDATION_SUBJECT, InvalidationTarget, publish_client_event,
        publish_session_invalidation,
    },
};
use galaxy_proto::push::v1::{PushEvent, push_event::Event, session_invalidation::Target};
use galaxy_store::Topic;
use galaxy_testkit::World;
use prost::Message as _;
use sqlx::{FromRow, PgPool};
use tokio::time::timeout;
use uuid::Uuid;

#[derive(Debug, FromRow)]
struct Row {
    event_id: Uuid,
    subject: String,
    event_type: String,
    ce_subject: Option<String>,
    content_type: String,
    payload: Vec<u8>,
    published_at: Option<Timestamp>,
}

async fn rows(world: &World) -> Vec<Row> {
    sqlx::query_as(
        "select event_id, subject, event_type, ce_subject, content_type, payload, published_at
         from backend.event_outbox order by created_at, event_id",
    )
    .fetch_all(world.db.pool())
    .await
    .unwrap()
}

/// The only row, with its push event.
async fn push_row(world: &World) -> (Row, Event) {
    let [row] = rows(world).await.try_into().unwrap();
    let push = PushEvent::decode(&row.payload[..]).unwrap();
    assert_eq!(row.content_type, "application/protobuf");
    assert_eq!(push.cursor, "", "push-hub sets the cursor");
    (row, push.event.unwrap())
}

fn created() -> AccountCreated {
    AccountCreated {
        user_id: UserId::generate(),
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_event_is_in_the_outbox_once_its_transaction_is_committed(pool: PgPool) {
    let world = World::new(pool);
    let event = created();
    let notify = world.db.subscribe(Topic::Outbox);
    let mut tx = world.db.begin().await.unwrap();
    let id = outbox::append(&mut tx, &event).await.unwrap();
    assert!(rows(&world).await.is_empty(), "not before the commit");
    assert!(timeout(Duration::ZERO, notify.notified()).await.is_err());
    tx.commit().await.unwrap();
    timeout(Duration::from_secs(5), notify.notified())
        .await
        .unwrap();

    let [row] = rows(&world).await.try_into().unwrap();
    assert_eq!(row.event_id, id.uuid());
    assert_eq!(
        (row.subject.as_str(), row.event_type.as_str()),
        (AccountCreated::SUBJECT, AccountCreated::TYPE)
    );
    assert_eq!(row.ce_subject, Some(event.user_id.to_string()));
    assert_eq!(row.content_type, "application/json");
    assert_eq!(row.payload, serde_json::to_vec(&event).unwrap());
    assert_eq!(row.published_at, None);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_rolled_back_transaction_leaves_no_event_and_notifies_no_relay(pool: PgPool) {
    let world = World::new(pool);
    let notify = world.db.subscribe(Topic::Outbox);
    let mut tx = world.db.begin().await.unwrap();
    outbox::append(&mut tx, &created()).await.unwrap();
    drop(tx);
    assert!(rows(&world).await.is_empty());
    assert!(timeout(Duration::ZERO, notify.notified()).await.is_err());
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_batch_has_the_columns_that_a_single_event_is_written_with(pool: PgPool) {
    let world = World::new(pool);
    let event = created();
    let mut tx = world.db.begin().await.unwrap();
    outbox::append(&mut tx, &event).await.unwrap();
    tx.commit().await.unwrap();
    let [row] = rows(&world).await.try_into().unwrap();

    let mut batch = outbox::Batch::default();
    let trace = Some("00-trace".to_owned());
    let id = batch.add(&event, trace.clone()).unwrap();
    batch.add(&created(), None).unwrap();
    assert_eq!(batch.ids[0], id.uuid());
    assert_eq!(
        (batch.subjects[0], batch.types[0]),
        (row.subject.as_str(), row.event_type.as_str())
    );
    assert_eq!(Some(&batch.about[0]), row.ce_subject.as_ref());
    assert_eq!(batch.payloads[0], row.payload);
    assert_eq!(batch.traces, [trace, None]);
    assert_ne!(batch.ids[0], batch.ids[1]);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_client_event_is_addressed_to_a_user_or_to_one_device(pool: PgPool) {
    let world = World::new(pool);
    let (user, device) = (UserId::generate(), DeviceSessionId::generate());
    for device in [None, Some(device)] {
        sqlx::query("delete from backend.event_outbox")
            .execute(world.db.pool())
            .await
            .unwrap();
        let payload = serde_json::json!({"turn": 3});
        let mut tx = world.db.begin().await.unwrap();
        let id = publish_client_event(&mut tx, user, device, "game.turn_ready", &payload).await;
        tx.commit().await.unwrap();
        let (row, event) = push_row(&world).await;
        let Event::ClientEvent(event) = event else {
            panic!("{event:?}")
        };
        assert_eq!(row.subject, CLIENT_SUBJECT);
        assert_eq!(row.ce_subject, Some(user.to_string()));
        assert_eq!(event.event_id, id.unwrap().to_string());
        assert_eq!(event.user_id, user.to_string());
        assert_eq!(event.device_session_id, device.map(|id| id.to_string()));
        assert_eq!(event.kind, "game.turn_ready");
        assert_eq!(&event.payload[..], br#"{"turn":3}"#);
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_invalidation_names_the_session_or_the_user_and_the_reason(pool: PgPool) {
    let world = World::new(pool);
    let (user, session) = (UserId::generate(), DeviceSessionId::generate());
    for (target, about, sent) in [
        (
            InvalidationTarget::User(user),
            user.to_string(),
            Target::UserId(user.to_string()),
        ),
        (
            InvalidationTarget::Session(session),
            session.to_string(),
            Target::DeviceSessionId(session.to_string()),
        ),
    ] {
        sqlx::query("delete from backend.event_outbox")
            .execute(world.db.pool())
            .await
            .unwrap();
        let mut tx = world.db.begin().await.unwrap();
        let reason = RevocationReason::AccountDeleted.into();
        publish_session_invalidation(&mut tx, target, &reason)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let (row, event) = push_row(&world).await;
        let Event::SessionInvalidation(event) = event else {
            panic!("{event:?}")
        };
        assert_eq!(
            (row.subject.as_str(), row.ce_subject),
            (INVALIDATION_SUBJECT, Some(about))
        );
        assert_eq!(event.target, Some(sent));
        assert_eq!(event.reason, reason.to_string());
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn each_consumer_applies_an_event_for_the_first_time_once(pool: PgPool) {
    let world = World::new(pool);
    let event = EventId::generate();
    let mut tx = world.db.begin().await.unwrap();
    assert!(inbox::first_time(&mut tx, "a", event).await.unwrap());
    drop(tx); // rolled back: it has not been applied
    for (consumer, first) in [("a", true), ("a", false), ("b", true), ("b", false)] {
        let mut tx = world.db.begin().await.unwrap();
        let found = inbox::first_time(&mut tx, consumer, event).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(found, first, "{consumer}");
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn old_records_of_the_inbox_are_deleted_in_batches(pool: PgPool) {
    let world = World::new(pool);
    let mut tx = world.db.begin().await.unwrap();
    for _ in 0..5 {
        inbox::first_time(&mut tx, "a", EventId::generate())
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    sqlx::query("update backend.event_inbox set created_at = now() - interval '8 days'")
        .execute(world.db.pool())
        .await
        .unwrap();
    let mut tx = world.db.begin().await.unwrap();
    inbox::first_time(&mut tx, "a", EventId::generate())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let before = world
        .clock
        .now()
        .saturating_add(jiff::SignedDuration::from_hours(-7 * 24));
    for deleted in [3, 2, 0] {
        assert_eq!(inbox::sweep(&world.db, before, 3).await.unwrap(), deleted);
    }
    assert_eq!(
        world
            .count("select count(*) from backend.event_inbox")
            .await,
        1
    );
}
