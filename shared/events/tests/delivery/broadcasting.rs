use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use galaxy_events::{
    Event as _,
    catalogue::account::{AccountCreated, AccountDeleted},
};
use galaxy_store::Topic;
use sqlx::PgPool;
use tokio::time::timeout;

use crate::world::Wire;

const DEADLINE: Duration = Duration::from_secs(10);

async fn next<T>(stream: &mut (impl Stream<Item = T> + Unpin)) -> T {
    timeout(DEADLINE, stream.next()).await.unwrap().unwrap()
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_broadcast_reaches_every_replica_that_listens_to_its_kind(pool: PgPool) {
    let wire = Wire::new(pool).await;
    let ((_, sender), (_, other)) = (wire.replica().await, wire.replica().await);
    let mut here = sender.listen("accounts").await.unwrap();
    let mut there = other.listen("accounts").await.unwrap();
    let mut games = other.listen("games").await.unwrap();
    other.client().flush().await.unwrap();
    for text in ["a", "b"] {
        sender.broadcast("accounts", text.into()).await.unwrap();
    }
    sender.broadcast("games", "c".into()).await.unwrap();
    for text in ["a", "b"] {
        assert_eq!(next(&mut here).await, Bytes::from(text));
        assert_eq!(next(&mut there).await, Bytes::from(text));
    }
    assert_eq!(next(&mut games).await, Bytes::from("c"));
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn published_events_of_one_type_can_be_followed_without_a_consumer(pool: PgPool) {
    let wire = Wire::new(pool).await;
    let (_, nats) = wire.replica().await;
    let mut created = nats.subscribe_events::<AccountCreated>().await.unwrap();
    let mut deleted = nats.subscribe_events::<AccountDeleted>().await.unwrap();
    nats.client().flush().await.unwrap();
    // Not an event of this version: skipped, and the stream continues.
    let publish = nats.client().publish(AccountCreated::SUBJECT, "{}".into());
    publish.await.unwrap();
    nats.client().flush().await.unwrap();
    wire.append().await;
    wire.relay().await;
    let followed = next(&mut created).await;
    assert_eq!(wire.world.events::<AccountCreated>().await, [followed]);
    assert!(timeout(Duration::ZERO, deleted.next()).await.is_err());
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_commit_wakes_the_workers_of_its_topic_in_other_processes(pool: PgPool) {
    let wire = Wire::new(pool).await;
    let ((committing, sender), (working, receiver)) = (wire.replica().await, wire.replica().await);
    let mail = receiver
        .subscribe_wakeups(&working, Topic::Mail)
        .await
        .unwrap();
    let runtime = receiver
        .subscribe_wakeups(&working, Topic::Runtime)
        .await
        .unwrap();
    receiver.client().flush().await.unwrap();
    sender.publish_wakeups(&committing, &wire.world.db, &[Topic::Mail, Topic::Runtime]);
    let mut tx = wire.world.db.begin().await.unwrap();
    tx.notify(Topic::Mail);
    tx.commit().await.unwrap();
    timeout(DEADLINE, mail.notified()).await.unwrap();
    assert!(timeout(Duration::ZERO, runtime.notified()).await.is_err());
    for process in [committing, working] {
        assert!(process.tasks.shut_down(DEADLINE).await, "the tasks end");
    }
    wire.shut_down().await;
}
