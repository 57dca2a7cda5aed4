//! Worlds for tests: a fresh database, a clock that is moved by hand, rows to start from, and a look at the outbox.
//!
//! Tests take a pool from `#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]` and build a [`World`] on it. Helpers panic
//! with a message, since a world that cannot be built is a failed test.
#![warn(missing_docs)]
#![expect(clippy::expect_used, reason = "used in tests only")]

mod nats;
mod runtime_role;

pub use nats::nats_url;

use std::{future::Future, time::Duration};

use galaxy_core::{Clock, GameId, Timestamp, UserId};
use galaxy_events::{AnyEvent, Event};
use galaxy_service::{Process, Readiness, Tasks};
use galaxy_store::Db;
use sqlx::PgPool;

/// A fresh database, a clock and a process.
pub struct World {
    /// The database.
    pub db: Db,
    /// Starts at the machine's time and advances only by hand.
    pub clock: Clock,
    /// A process to run loops in.
    pub process: Process,
}

impl World {
    /// Over a fresh, migrated database.
    pub fn new(pool: PgPool) -> Self {
        let clock = Clock::manual(Clock::system().now());
        let process = Process {
            name: "test",
            clock: clock.clone(),
            tasks: Tasks::new(),
            readiness: Readiness::default(),
        };
        Self {
            db: Db::new(pool),
            clock,
            process,
        }
    }

    /// As [`World::new`], with the rights that processes have in a deployment and no others.
    pub async fn as_runtime_role(pool: PgPool) -> Self {
        Self::new(runtime_role::pool(&pool).await)
    }

    /// A new account with a generated address.
    pub async fn account(&self) -> UserId {
        let id = UserId::generate();
        sqlx::query(
            "insert into backend.accounts (user_id, email, delivery_email, user_name, display_name)
             values ($1, $2, $2, $3, $3)",
        )
        .bind(id.uuid())
        .bind(format!("{id}@example.org"))
        .bind(format!("player-{id}"))
        .execute(self.db.pool())
        .await
        .expect("an account can be made");
        sqlx::query("insert into backend.entitlement_snapshots (user_id, tier, max_registered_race_names) values ($1, 'free', 1)")
            .bind(id.uuid())
            .execute(self.db.pool())
            .await
            .expect("an entitlement can be made");
        id
    }

    /// A new public game of `owner` in `status`, with the schedule `0 * * * *`.
    pub async fn game(&self, owner: UserId, status: &str) -> GameId {
        let id = GameId::generate();
        sqlx::query(
            "insert into backend.games (game_id, owner_user_id, game_name, visibility, status, min_players,
                 max_players, enrollment_ends_at, turn_schedule)
             values ($1, $2, 'A test game', 'public', $3, 2, 8, now() + interval '1 day', '0 * * * *')",
        )
        .bind(id.uuid())
        .bind(owner.uuid())
        .bind(status)
        .execute(self.db.pool())
        .await
        .expect("a game can be made");
        id
    }

    /// The events of type `E` in the outbox, oldest first.
    pub async fn events<E: Event>(&self) -> Vec<E> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(
            "select payload from backend.event_outbox where event_type = $1 order by created_at, event_id",
        )
        .bind(E::TYPE)
        .fetch_all(self.db.pool())
        .await
        .expect("the outbox can be read");
        rows.iter()
            .map(|data| serde_json::from_slice(data).expect("an event decodes"))
            .collect()
    }

    /// The types of all events in the outbox, oldest first.
    pub async fn event_types(&self) -> Vec<String> {
        sqlx::query_scalar(
            "select event_type from backend.event_outbox order by created_at, event_id",
        )
        .fetch_all(self.db.pool())
        .await
        .expect("the outbox can be read")
    }

    /// A number from the database, for asking what is left behind.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(self.db.pool())
            .await
            .expect("the count can be read")
    }
}

/// Any event of the catalogue as it is in the outbox; panics if it does not decode.
pub fn decode(event_type: &str, data: &[u8]) -> AnyEvent {
    AnyEvent::decode(event_type, data)
        .expect("an event decodes")
        .expect("the type is known")
}

/// Waits until `condition` gives something; panics with `what` after ten seconds.
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    condition: impl Fn() -> F,
) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "not within 10 s: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A fixed instant for rules: 2026-01-15 12:00 UTC.
pub fn noon() -> Timestamp {
    Timestamp::from_second(1_768_478_400).unwrap_or(Timestamp::UNIX_EPOCH)
}
