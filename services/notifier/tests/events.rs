//! The notifier over a real broker: from an event to what is pushed, mailed, dropped or kept for operators.

#![cfg(test)]

use std::{sync::Arc, time::Duration};

use galaxy_core::{DeviceSessionId, EventId, GameId, UserId};
use galaxy_events::{
    Event, Nats, NatsConfig,
    catalogue::{
        account::AccountDeleted, notification::NotificationRequested, runtime::TurnGenerated,
        session::SessionCreated,
    },
    consumer, outbox, relay,
};
use galaxy_notifications::Settings;
use galaxy_notifier::apply::Notifier;
use galaxy_stack::{Layout, Ui};
use galaxy_testkit::{World, eventually};
use serde_json::json;
use sqlx::PgPool;

struct Wire {
    world: World,
    nats: Nats,
    _broker: galaxy_stack::Nats,
    _dir: tempfile::TempDir,
}

/// A relay, and the notifier as its `main` starts it.
async fn wire(pool: PgPool) -> Wire {
    let world = World::new(pool);
    let dir = tempfile::tempdir().unwrap();
    let cache = Layout::of_checkout().unwrap().cache();
    let broker = galaxy_stack::Nats::for_tests(Ui::quiet(), &cache, dir.path())
        .await
        .unwrap();
    let config = NatsConfig {
        urls: vec![broker.url().to_owned()],
        credentials: None,
        replicas: 1,
        freshness_window: Duration::from_mins(5),
    };
    let nats = Nats::connect(&config, &world.process).await.unwrap();
    relay::start(&world.process, &world.db, &nats);
    let handler = Notifier::new(Arc::new(Settings::default()), world.clock.clone());
    let options = consumer::Options {
        name: "notifier",
        subjects: &[],
        loops: 2,
    };
    consumer::start(
        &world.process,
        &world.db,
        &nats,
        &Arc::new(handler),
        options,
    );
    Wire {
        world,
        nats,
        _broker: broker,
        _dir: dir,
    }
}

impl Wire {
    async fn emit<E: Event>(&self, event: &E) -> EventId {
        let mut tx = self.world.db.begin().await.unwrap();
        let id = outbox::append(&mut tx, event).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Waits until the event is noted as applied by the notifier.
    async fn applied(&self, id: EventId) {
        eventually("the event is applied", async || {
            let sql =
                "select 1 from backend.event_inbox where consumer = 'notifier' and event_id = $1";
            let row: Option<i32> = sqlx::query_scalar(sql)
                .bind(id.uuid())
                .fetch_optional(self.world.db.pool())
                .await
                .unwrap();
            row.map(drop)
        })
        .await;
    }

    async fn count(&self, sql: &'static str) -> i64 {
        self.world.count(sql).await
    }
}

fn turn(members: Vec<UserId>) -> TurnGenerated {
    TurnGenerated {
        game_id: GameId::generate(),
        version: 1,
        game_name: "Alpha".to_owned(),
        turn: 1,
        member_user_ids: members,
    }
}

const PUSHES: &str =
    "select count(*) from backend.event_outbox where subject = 'galaxy.push.client'";
const MALFORMED: &str = "select count(*) from backend.notification_malformed_intents";

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_turn_is_pushed_to_every_member_and_a_new_device_is_mailed(pool: PgPool) {
    let wire = wire(pool).await;
    let members = vec![wire.world.account().await, wire.world.account().await];
    let session = SessionCreated {
        user_id: members[0],
        device_session_id: DeviceSessionId::generate(),
        first: false,
    };
    let (turn, session) = (wire.emit(&turn(members)).await, wire.emit(&session).await);
    wire.applied(turn).await;
    wire.applied(session).await;
    assert_eq!(wire.count(PUSHES).await, 2);
    let mails =
        "select count(*) from backend.mail_deliveries where template_id = 'session.new_device'";
    assert_eq!(wire.count(mails).await, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn what_cannot_be_understood_is_kept_and_blocks_nothing(pool: PgPool) {
    let wire = wire(pool).await;
    let user = wire.world.account().await;
    let request = |kind: &str, user_id| NotificationRequested {
        kind: kind.to_owned(),
        idempotency_key: "k".to_owned(),
        user_id: Some(user_id),
        payload: json!({ "name": "Zorg" }),
    };
    let registered = "lobby.race_name.registered";
    wire.emit(&request("lobby.nonsense", user)).await;
    wire.emit(&request(registered, UserId::generate())).await;
    for (name, body) in [("ce-type", "{"), ("x", "no json")] {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("ce-id", uuid::Uuid::now_v7().to_string());
        headers.insert("ce-time", "2026-01-15T12:00:00Z");
        headers.insert(name, "galaxy.account.created.v1");
        let sent = wire.nats.jetstream().publish_with_headers(
            "galaxy.events.account.created",
            headers,
            body.into(),
        );
        sent.await.unwrap().await.unwrap();
    }
    let good = wire.emit(&request(registered, user)).await;
    wire.applied(good).await;
    eventually("all four are kept", async || {
        (wire.count(MALFORMED).await == 4).then_some(())
    })
    .await;
    assert_eq!(wire.count(PUSHES).await, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_deleted_account_gets_nothing_more(pool: PgPool) {
    let wire = wire(pool).await;
    let user = wire.world.account().await;
    let session = SessionCreated {
        user_id: user,
        device_session_id: DeviceSessionId::generate(),
        first: false,
    };
    let session = wire.emit(&session).await;
    wire.applied(session).await;
    sqlx::query("update backend.accounts set deleted_at = now()")
        .execute(wire.world.db.pool())
        .await
        .unwrap();
    let deleted = wire.emit(&AccountDeleted { user_id: user }).await;
    wire.applied(deleted).await;
    let late = wire.emit(&turn(vec![user])).await;
    wire.applied(late).await;
    let open = "select count(*) from backend.mail_deliveries where status = 'queued'";
    assert_eq!(wire.count(open).await, 0);
    assert_eq!(wire.count(PUSHES).await, 0);
    assert_eq!(wire.count(MALFORMED).await, 0);
}
