//! The notifier over a real broker: the push events, mails and malformed intents that events lead to.

#![cfg(test)]

use std::{sync::Arc, time::Duration};

use galaxy_core::{DeviceSessionId, EventId, GameId, UserId};
use galaxy_events::{
    Event, Nats, NatsConfig, StreamSettings,
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

struct Setup {
    world: World,
    nats: Nats,
    _broker: galaxy_stack::Nats,
    _dir: tempfile::TempDir,
}

/// Starts a broker, a relay and the consumer of the notifier, as its `main` does.
async fn setup(pool: PgPool) -> Setup {
    let world = World::as_runtime_role(pool).await;
    let dir = tempfile::tempdir().unwrap();
    let cache = Layout::of_checkout().unwrap().cache();
    let broker = galaxy_stack::Nats::for_tests(Ui::quiet(), &cache, dir.path())
        .await
        .unwrap();
    let config = NatsConfig {
        urls: vec![broker.url().to_owned()],
        credentials: None,
        authorities: None,
        streams: Some(StreamSettings {
            replicas: 1,
            freshness_window: Duration::from_mins(5),
        }),
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
    Setup {
        world,
        nats,
        _broker: broker,
        _dir: dir,
    }
}

impl Setup {
    async fn emit<E: Event>(&self, event: &E) -> EventId {
        let mut tx = self.world.db.begin().await.unwrap();
        let id = outbox::append(&mut tx, event).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Waits until the notifier has recorded the event as applied.
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
    let setup = setup(pool).await;
    let members = vec![setup.world.account().await, setup.world.account().await];
    let session = SessionCreated {
        user_id: members[0],
        device_session_id: DeviceSessionId::generate(),
        first: false,
    };
    let (turn, session) = (setup.emit(&turn(members)).await, setup.emit(&session).await);
    setup.applied(turn).await;
    setup.applied(session).await;
    assert_eq!(setup.count(PUSHES).await, 2);
    let mails =
        "select count(*) from backend.mail_deliveries where template_id = 'session.new_device'";
    assert_eq!(setup.count(mails).await, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn malformed_requests_and_undecodable_events_are_stored_and_block_no_event(pool: PgPool) {
    let setup = setup(pool).await;
    let user = setup.world.account().await;
    let request = |kind: &str, user_id| NotificationRequested {
        kind: kind.to_owned(),
        idempotency_key: "k".to_owned(),
        user_id: Some(user_id),
        payload: json!({ "name": "Zorg" }),
    };
    let registered = "lobby.race_name.registered";
    setup.emit(&request("lobby.nonsense", user)).await;
    setup.emit(&request(registered, UserId::generate())).await;
    for (name, body) in [("ce-type", "{"), ("x", "no json")] {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("ce-id", uuid::Uuid::now_v7().to_string());
        headers.insert("ce-time", "2026-01-15T12:00:00Z");
        headers.insert(name, "galaxy.account.created.v1");
        let sent = setup.nats.jetstream().publish_with_headers(
            "galaxy.events.account.created",
            headers,
            body.into(),
        );
        sent.await.unwrap().await.unwrap();
    }
    let good = setup.emit(&request(registered, user)).await;
    setup.applied(good).await;
    eventually("all four are stored", async || {
        (setup.count(MALFORMED).await == 4).then_some(())
    })
    .await;
    assert_eq!(setup.count(PUSHES).await, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_deleted_account_is_not_notified(pool: PgPool) {
    let setup = setup(pool).await;
    let user = setup.world.account().await;
    let session = SessionCreated {
        user_id: user,
        device_session_id: DeviceSessionId::generate(),
        first: false,
    };
    let session = setup.emit(&session).await;
    setup.applied(session).await;
    sqlx::query("update backend.accounts set deleted_at = now()")
        .execute(setup.world.db.pool())
        .await
        .unwrap();
    let deleted = setup.emit(&AccountDeleted { user_id: user }).await;
    setup.applied(deleted).await;
    let late = setup.emit(&turn(vec![user])).await;
    setup.applied(late).await;
    let open = "select count(*) from backend.mail_deliveries where status = 'queued'";
    assert_eq!(setup.count(open).await, 0);
    assert_eq!(setup.count(PUSHES).await, 0);
    assert_eq!(setup.count(MALFORMED).await, 0);
}
