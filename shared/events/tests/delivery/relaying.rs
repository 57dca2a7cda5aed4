use std::time::Duration;

use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use galaxy_events::{Event as _, Nats, catalogue::account::AccountCreated, relay};
use sqlx::PgPool;

use crate::world::{Applies, Wire, append, execute};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_committed_event_is_applied_once(pool: PgPool) {
    let wire = Wire::new(pool).await;
    wire.relay().await;
    wire.consume(Applies).await;
    let id = wire.append().await;
    wire.applied_are(&[id]).await;
    wire.all_published().await;
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_event_that_is_rolled_back_is_never_published(pool: PgPool) {
    let wire = Wire::new(pool).await;
    wire.relay().await;
    wire.consume(Applies).await;
    let mut tx = wire.world.db.begin().await.unwrap();
    append(&mut tx).await;
    drop(tx);
    let committed = wire.append().await;
    wire.applied_are(&[committed]).await;
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_event_of_a_slow_transaction_is_not_skipped(pool: PgPool) {
    let wire = Wire::new(pool).await;
    wire.relay().await;
    wire.consume(Applies).await;
    let mut slow = wire.world.db.begin().await.unwrap();
    let mut ids = vec![append(&mut slow).await];
    let later = wire.append_many(200).await;
    wire.applied_are(&later).await;
    slow.commit().await.unwrap();
    ids.extend(later);
    wire.applied_are(&ids).await;
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn racing_relays_publish_everything_and_consumers_apply_it_once(pool: PgPool) {
    let wire = Wire::new(pool).await;
    for _ in 0..8 {
        wire.relay().await;
    }
    for _ in 0..3 {
        wire.consume(Applies).await;
    }
    let mut ids = vec![];
    for _ in 0..20 {
        ids.extend(wire.append_many(50).await);
    }
    wire.applied_are(&ids).await;
    wire.all_published().await;
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn rows_claimed_by_a_relay_that_died_are_published_by_another(pool: PgPool) {
    let wire = Wire::new(pool).await;
    let id = wire.append().await;
    execute(
        &wire.world.db,
        "update backend.event_outbox set lease_expires_at = now() + interval '2 seconds'",
    )
    .await;
    wire.relay().await;
    wire.consume(Applies).await;
    wire.applied_are(&[id]).await;
    wire.shut_down().await;
}

async fn events(nats: &Nats) -> Stream {
    nats.jetstream().get_stream("GALAXY_EVENTS").await.unwrap()
}

/// Messages in the stream of events.
async fn messages(nats: &Nats) -> u64 {
    events(nats).await.cached_info().state.messages
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_event_is_published_on_its_subject_with_its_headers(pool: PgPool) {
    let wire = Wire::new(pool).await;
    let (_, nats) = wire.relay().await;
    let id = wire.append().await;
    wire.all_published().await;
    let stream = events(&nats).await;
    let message = stream
        .get_last_raw_message_by_subject(AccountCreated::SUBJECT)
        .await
        .unwrap();
    for (name, value) in [
        ("ce-id", id.to_string()),
        ("Nats-Msg-Id", id.to_string()),
        ("ce-type", AccountCreated::TYPE.to_owned()),
        ("content-type", "application/json".to_owned()),
    ] {
        let header = message.headers.get(name).map(ToString::to_string);
        assert_eq!(header, Some(value), "{name}");
    }
    let other = stream.get_last_raw_message_by_subject("galaxy.events.account.deleted");
    let error = other.await.unwrap_err();
    assert_eq!(error.kind(), LastRawMessageErrorKind::NoMessageFound);
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn more_events_than_fit_in_one_batch_are_all_published(pool: PgPool) {
    let wire = Wire::new(pool).await;
    wire.append_many(1_200).await;
    let (_, nats) = wire.relay().await;
    wire.all_published().await;
    assert_eq!(messages(&nats).await, 1_200);
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn rows_under_a_lease_of_another_relay_are_skipped(pool: PgPool) {
    let wire = Wire::new(pool).await;
    let leased = wire.append().await;
    execute(
        &wire.world.db,
        "update backend.event_outbox set lease_expires_at = now() + interval '1 hour'",
    )
    .await;
    let (_, nats) = wire.relay().await;
    wire.consume(Applies).await;
    let free = wire.append().await;
    wire.applied_are(&[free]).await;
    assert_eq!(messages(&nats).await, 1);
    execute(
        &wire.world.db,
        "update backend.event_outbox set lease_expires_at = null",
    )
    .await;
    wire.applied_are(&[leased, free]).await;
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_row_that_was_published_but_not_marked_is_stored_once(pool: PgPool) {
    let wire = Wire::new(pool).await;
    let (_, nats) = wire.relay().await;
    wire.append().await;
    wire.all_published().await;
    execute(
        &wire.world.db,
        "update backend.event_outbox set published_at = null",
    )
    .await;
    wire.all_published().await;
    assert_eq!(
        messages(&nats).await,
        1,
        "the stream recognises the repetition"
    );
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_relay_that_cannot_publish_releases_its_rows(pool: PgPool) {
    let mut wire = Wire::new(pool).await;
    wire.relay().await;
    wire.append().await;
    wire.all_published().await;
    wire.broker.kill().await.unwrap();
    wire.append().await;
    let (waiting, oldest) = relay::backlog(&wire.world.db).await.unwrap();
    assert_eq!((waiting, oldest.is_some()), (1, true));
    wire.broker.start_again().await.unwrap();
    wire.all_published().await;
    let leases = "select count(*) from backend.event_outbox where lease_expires_at is not null";
    assert_eq!(wire.world.count(leases).await, 0);
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_draining_relay_ends(pool: PgPool) {
    let wire = Wire::new(pool).await;
    let (process, _) = wire.relay().await;
    wire.append().await;
    wire.all_published().await;
    assert!(process.tasks.shut_down(Duration::from_secs(10)).await);
    wire.append().await;
    let (waiting, _) = relay::backlog(&wire.world.db).await.unwrap();
    assert_eq!(waiting, 1, "another relay has to publish it");
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_position_of_a_stream_is_stored_as_its_events_are_acknowledged(pool: PgPool) {
    let wire = Wire::new(pool).await;
    let (_, nats) = wire.relay().await;
    for count in [3, 7] {
        wire.append_many(count).await;
        wire.all_published().await;
    }
    let created = events(&nats).await.cached_info().created;
    crate::world::eventually("the position is stored", async || {
        let position: Option<(String, i64)> = sqlx::query_as(
            "select incarnation, last_sequence from backend.event_streams where stream = 'GALAXY_EVENTS'",
        )
        .fetch_optional(wire.world.db.pool())
        .await
        .unwrap();
        let expected = (created.unix_timestamp_nanos().to_string(), 10);
        (position == Some(expected)).then_some(())
    })
    .await;
    wire.shut_down().await;
}
