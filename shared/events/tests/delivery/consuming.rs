use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_nats::HeaderMap;
use galaxy_core::{DeviceSessionId, EventId, UserId};
use galaxy_events::{
    Envelope, Event as _, Handler, Verdict,
    catalogue::{account::AccountCreated, session::SessionCreated},
    consumer, outbox,
};
use galaxy_store::{Result, Tx};
use sqlx::PgPool;
use tokio::sync::{Notify, Semaphore};

use crate::world::{Applies, CONSUMER, OPTIONS, Wire, eventually, note};

/// Publishes an event past the outbox, as a broker that delivers twice would.
async fn publish(nats: &galaxy_events::Nats, id: EventId, headers: &[(&str, &str)]) {
    let mut all = HeaderMap::new();
    all.insert("ce-id", id.to_string());
    for (name, value) in headers {
        all.insert(*name, *value);
    }
    let sent =
        nats.jetstream()
            .publish_with_headers("galaxy.events.account.created", all, "{}".into());
    sent.await.unwrap().await.unwrap();
}

const WHOLE: [(&str, &str); 2] = [
    ("ce-type", "galaxy.account.created.v1"),
    ("ce-time", "2026-01-15T12:00:00Z"),
];

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_event_that_is_delivered_again_is_applied_once(pool: PgPool) {
    let wire = Wire::new(pool).await;
    let (_, nats) = wire.replica().await;
    wire.consume(Applies).await;
    wire.consume(Applies).await;
    let (twice, last) = (EventId::generate(), EventId::generate());
    for _ in 0..10 {
        publish(&nats, twice, &WHOLE).await;
    }
    publish(&nats, last, &WHOLE).await;
    wire.applied_are(&[twice, last]).await;
    let stream = nats.jetstream().get_stream("GALAXY_EVENTS").await.unwrap();
    eventually("every delivery acknowledged", async || {
        let mut consumer: async_nats::jetstream::consumer::PullConsumer =
            stream.get_consumer(CONSUMER).await.unwrap();
        let info = consumer.info().await.unwrap();
        (info.ack_floor.stream_sequence == 11).then_some(())
    })
    .await;
    wire.applied_are(&[twice, last]).await;
    wire.shut_down().await;
}

/// Fails each event twice, once by an error and once by asking for time, before applying it.
#[derive(Clone, Default)]
struct Stumbles(Arc<Mutex<HashMap<EventId, u32>>>);

impl Handler for Stumbles {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<Verdict> {
        note(tx, event.id).await?;
        let tries = {
            let mut tries = self.0.lock().unwrap();
            let count = tries.entry(event.id).or_default();
            *count += 1;
            *count
        };
        match tries {
            1 => {
                sqlx::query("select 1 / 0").execute(&mut **tx).await?;
                Ok(Verdict::Done)
            }
            2 => Ok(Verdict::Again(Duration::from_millis(50))),
            _ => Ok(Verdict::Done),
        }
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_event_that_fails_is_tried_again_and_leaves_nothing_of_its_failures(pool: PgPool) {
    let wire = Wire::new(pool).await;
    wire.relay().await;
    let handler = Stumbles::default();
    wire.consume(handler.clone()).await;
    let ids = wire.append_many(5).await;
    wire.applied_are(&ids).await;
    assert!(handler.0.lock().unwrap().values().all(|tries| *tries == 3));
    wire.shut_down().await;
}

/// Refuses the first event it sees for good, and panics at the second.
#[derive(Clone, Default)]
struct Refuses(Arc<Mutex<Vec<EventId>>>);

impl Handler for Refuses {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<Verdict> {
        let place = {
            let mut seen = self.0.lock().unwrap();
            seen.push(event.id);
            seen.len()
        };
        assert!(place != 2, "a panic in a handler");
        note(tx, event.id).await?;
        Ok(match place {
            1 => Verdict::Never("not for us".to_owned()),
            _ => Verdict::Done,
        })
    }

    async fn unreadable(&self, tx: &mut Tx, payload: &[u8], _: &str) -> Result<()> {
        assert_eq!(payload, b"{}");
        note(tx, EventId(uuid::Uuid::nil())).await
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_refused_event_is_given_up_and_does_not_block_what_follows(pool: PgPool) {
    let wire = Wire::new(pool).await;
    let (_, nats) = wire.relay().await;
    let handler = Refuses::default();
    wire.consume(handler.clone()).await;
    let refused = wire.append().await;
    wire.applied_are(&[refused]).await;

    // a message that is no event is noted and given up as well
    publish(&nats, EventId::generate(), &[]).await;
    let nothing = EventId(uuid::Uuid::nil());
    wire.applied_are(&[nothing, refused]).await;
    let seen = handler.0.lock().unwrap().clone();
    assert_eq!(seen, [refused], "it is not delivered again");
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_panic_in_a_handler_ends_neither_the_consumer_nor_the_event(pool: PgPool) {
    let wire = Wire::new(pool).await;
    wire.relay().await;
    let handler = Refuses::default();
    wire.consume(handler.clone()).await;
    let ids = wire.append_many(6).await;
    wire.applied_are(&ids).await;
    wire.shut_down().await;
}

/// Holds each event until it gets a permit.
#[derive(Clone)]
struct Holds {
    permits: Arc<Semaphore>,
    held: Arc<Notify>,
}

impl Holds {
    fn new() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(0)),
            held: Arc::default(),
        }
    }
}

impl Handler for Holds {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<Verdict> {
        self.held.notify_one();
        self.permits.acquire().await.unwrap().forget();
        note(tx, event.id).await?;
        Ok(Verdict::Done)
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_event_is_pulled_only_when_a_loop_is_free_to_apply_it(pool: PgPool) {
    let wire = Wire::new(pool).await;
    wire.relay().await;
    let handler = Holds::new();
    let one_loop = consumer::Options {
        loops: 1,
        ..OPTIONS
    };
    wire.consume_with(handler.clone(), one_loop).await;
    let mut ids = wire.append_many(10).await;
    wire.all_published().await;
    handler.held.notified().await;
    // Events that the busy replica had pulled would not reach this one before their time to acknowledge has passed.
    wire.consume(Applies).await;
    eventually("the free replica applies the other events", async || {
        (wire.applied().await.len() == 9).then_some(())
    })
    .await;
    handler.permits.add_permits(1);
    ids.sort_unstable();
    wire.applied_are(&ids).await;
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_consumer_applies_as_many_events_at_once_as_it_has_loops(pool: PgPool) {
    let wire = Wire::new(pool).await;
    wire.relay().await;
    let handler = Holds::new();
    let three_loops = consumer::Options {
        loops: 3,
        ..OPTIONS
    };
    wire.consume_with(handler.clone(), three_loops).await;
    let ids = wire.append_many(3).await;
    for _ in 0..3 {
        handler.held.notified().await;
    }
    handler.permits.add_permits(3);
    wire.applied_are(&ids).await;
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_event_that_is_being_applied_is_finished_when_the_process_drains(pool: PgPool) {
    let wire = Wire::new(pool).await;
    wire.relay().await;
    let handler = Holds::new();
    let (process, _) = wire.consume(handler.clone()).await;
    let id = wire.append().await;
    handler.held.notified().await;
    let release = async {
        process.tasks.draining().cancelled().await;
        handler.permits.add_permits(1);
    };
    let (drained, ()) = tokio::join!(process.tasks.shut_down(Duration::from_secs(10)), release);
    assert!(drained, "the loops did not end");
    wire.applied_are(&[id]).await;
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn consumers_of_different_names_each_apply_every_event(pool: PgPool) {
    let wire = Wire::new(pool).await;
    wire.relay().await;
    wire.consume(Applies).await;
    let other = consumer::Options {
        name: "other",
        ..OPTIONS
    };
    wire.consume_with(Applies, other).await;
    let id = wire.append().await;
    wire.applied_are(&[id, id]).await;
    wire.shut_down().await;
}

/// Records the types of the events it applies.
#[derive(Clone, Default)]
struct Records(Arc<Mutex<Vec<String>>>);

impl Handler for Records {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<Verdict> {
        self.0.lock().unwrap().push(event.event_type.clone());
        note(tx, event.id).await?;
        Ok(Verdict::Done)
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_consumer_gets_the_events_of_its_subjects_only(pool: PgPool) {
    let wire = Wire::new(pool).await;
    wire.relay().await;
    let handler = Records::default();
    let sessions = consumer::Options {
        subjects: &["galaxy.events.session.*"],
        ..OPTIONS
    };
    wire.consume_with(handler.clone(), sessions).await;
    let mut tx = wire.world.db.begin().await.unwrap();
    let user_id = UserId::generate();
    outbox::append(&mut tx, &AccountCreated { user_id })
        .await
        .unwrap();
    let created = SessionCreated {
        user_id,
        device_session_id: DeviceSessionId::generate(),
        first: true,
    };
    let id = outbox::append(&mut tx, &created).await.unwrap();
    tx.commit().await.unwrap();
    wire.applied_are(&[id]).await;
    assert_eq!(*handler.0.lock().unwrap(), [SessionCreated::TYPE]);
    wire.shut_down().await;
}
