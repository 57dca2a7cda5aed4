//! A broker of its own, a database, and replicas with relays and consumers in this process.

use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use galaxy_core::{EventId, UserId};
use galaxy_events::{
    Envelope, Handler, Nats, NatsConfig, StreamSettings, Verdict,
    catalogue::account::AccountCreated, consumer, outbox, relay,
};
use galaxy_service::{Process, Readiness, Tasks};
use galaxy_stack::{Layout, Ui};
use galaxy_store::{Db, Result, Tx};
use galaxy_testkit::World;
use sqlx::PgPool;

pub const CONSUMER: &str = "test";

pub const OPTIONS: consumer::Options = consumer::Options {
    name: CONSUMER,
    subjects: &["galaxy.events.account.*"],
    loops: 2,
};

/// A world with a broker that can be killed and wiped.
pub struct Wire {
    pub world: World,
    pub broker: galaxy_stack::Nats,
    replicas: Mutex<Vec<Process>>,
    _dir: tempfile::TempDir,
}

impl Wire {
    pub async fn new(pool: PgPool) -> Self {
        // what the handlers below do, with nothing that keeps it from being done twice
        let make = "create table applied (event_id uuid not null); grant insert, select on applied to public";
        sqlx::raw_sql(make).execute(&pool).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let cache = Layout::of_checkout().unwrap().cache();
        let broker = galaxy_stack::Nats::for_tests(Ui::quiet(), &cache, dir.path());
        Self {
            world: World::as_runtime_role(pool).await,
            broker: broker.await.unwrap(),
            replicas: Mutex::default(),
            _dir: dir,
        }
    }

    /// Another process with the same database.
    pub async fn replica(&self) -> (Process, Nats) {
        let process = Process {
            name: "test",
            clock: self.world.clock.clone(),
            tasks: Tasks::new(),
            readiness: Readiness::default(),
        };
        let config = NatsConfig {
            urls: vec![self.broker.url().to_owned()],
            credentials: None,
            authorities: None,
            streams: Some(StreamSettings {
                replicas: 1,
                freshness_window: Duration::from_mins(5),
            }),
        };
        let nats = Nats::connect(&config, &process).await.unwrap();
        self.replicas.lock().unwrap().push(process.clone());
        (process, nats)
    }

    /// A replica that publishes.
    pub async fn relay(&self) -> (Process, Nats) {
        let (process, nats) = self.replica().await;
        relay::start(&process, &self.world.db, &nats);
        (process, nats)
    }

    /// A replica that consumes.
    pub async fn consume<H: Handler>(&self, handler: H) -> (Process, Nats) {
        self.consume_with(handler, OPTIONS).await
    }

    pub async fn consume_with<H: Handler>(
        &self,
        handler: H,
        options: consumer::Options,
    ) -> (Process, Nats) {
        let (process, nats) = self.replica().await;
        consumer::start(&process, &self.world.db, &nats, &Arc::new(handler), options);
        (process, nats)
    }

    /// Writes and commits an event.
    pub async fn append(&self) -> EventId {
        let mut tx = self.world.db.begin().await.unwrap();
        let id = append(&mut tx).await;
        tx.commit().await.unwrap();
        id
    }

    pub async fn append_many(&self, count: usize) -> Vec<EventId> {
        let mut ids = vec![];
        let mut tx = self.world.db.begin().await.unwrap();
        for _ in 0..count {
            ids.push(append(&mut tx).await);
        }
        tx.commit().await.unwrap();
        ids
    }

    /// What was applied, sorted, each as often as it was.
    pub async fn applied(&self) -> Vec<EventId> {
        let mut ids: Vec<uuid::Uuid> = sqlx::query_scalar("select event_id from applied")
            .fetch_all(self.world.db.pool())
            .await
            .unwrap();
        ids.sort_unstable();
        ids.into_iter().map(EventId).collect()
    }

    /// Waits until exactly `ids` were applied, each once.
    pub async fn applied_are(&self, ids: &[EventId]) {
        let mut wanted = ids.to_vec();
        wanted.sort_unstable();
        eventually("all events applied", async || {
            let applied = self.applied().await;
            assert!(applied.len() <= wanted.len(), "something was applied twice");
            (applied == wanted).then_some(())
        })
        .await;
    }

    /// Waits until nothing in the outbox waits for its publication.
    pub async fn all_published(&self) {
        eventually("all events published", async || {
            let (waiting, _) = relay::backlog(&self.world.db).await.unwrap();
            (waiting == 0).then_some(())
        })
        .await;
    }

    /// Ends all replicas, as a test that is over does.
    pub async fn shut_down(self) {
        let replicas = std::mem::take(&mut *self.replicas.lock().unwrap());
        for process in replicas {
            process.tasks.shut_down(Duration::from_secs(1)).await;
        }
    }
}

pub async fn append(tx: &mut Tx) -> EventId {
    let event = AccountCreated {
        user_id: UserId::generate(),
    };
    outbox::append(tx, &event).await.unwrap()
}

/// Applies every event by a row in `applied`.
pub struct Applies;

impl Handler for Applies {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<Verdict> {
        note(tx, event.id).await?;
        Ok(Verdict::Done)
    }
}

pub async fn note(tx: &mut Tx, id: EventId) -> Result<()> {
    sqlx::query("insert into applied (event_id) values ($1)")
        .bind(id.uuid())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Waits up to half a minute.
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    condition: impl Fn() -> F,
) -> T {
    let wait = async {
        loop {
            if let Some(found) = condition().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait)
        .await
        .unwrap_or_else(|_| panic!("not within 30 s: {what}"))
}

/// The database of a wire, for statements that are not the subject.
pub async fn execute(db: &Db, sql: &'static str) {
    sqlx::query(sql).execute(db.pool()).await.unwrap();
}
