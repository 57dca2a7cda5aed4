//! Builders and helpers for the tests of notifications.

use std::time::Duration;

use galaxy_core::{EmailAddress, Timestamp, UserId};
use galaxy_notifications::{Cause, Intent, Recipient, Settings, Submitted, due, submit};
use galaxy_testkit::World;
use serde_json::{Value, json};

pub const LEASE: Duration = Duration::from_mins(1);

pub fn settings() -> Settings {
    Settings {
        operators: vec![EmailAddress::parse("operator@example.org").unwrap()],
        public_url: Some("https://galaxy.example".to_owned()),
        unsubscribe_key: Some("key".to_owned().into()),
    }
}

/// An intent whose payload has every member that any kind needs.
pub fn intent(kind: &str, key: &str, recipient: Recipient) -> Intent {
    Intent {
        kind: kind.to_owned(),
        idempotency_key: key.to_owned(),
        recipient,
        payload: json!({
            "game_id": "g1", "game_name": "Alpha", "race_name": "Zorg", "name": "Zorg", "turn": 7,
            "error": "engine_unhealthy", "incident": "host_lost", "sanction_code": "login_block", "tier": "monthly",
            "device_session_id": "d1", "at": "2026-01-15T12:00:00Z", "expires_at": "2026-01-15T12:00:00Z",
        }),
    }
}

pub async fn submit_all(world: &World, now: Timestamp, intents: &[Intent]) -> Vec<Submitted> {
    let mut tx = world.db.begin().await.unwrap();
    let cause = Cause {
        event_id: None,
        now,
    };
    let outcomes = submit(&mut tx, &settings(), cause, intents).await.unwrap();
    tx.commit().await.unwrap();
    outcomes
}

pub async fn submit_one(world: &World, intent: &Intent) -> Submitted {
    submit_all(world, world.clock.now(), std::slice::from_ref(intent))
        .await
        .remove(0)
}

pub async fn set_preferences(world: &World, user: UserId, preferences: Value) {
    sqlx::query("update backend.accounts set notifications = $2 where user_id = $1")
        .bind(user.uuid())
        .bind(preferences)
        .execute(world.db.pool())
        .await
        .unwrap();
}

pub async fn set_language(world: &World, user: UserId, language: &str) {
    sqlx::query("update backend.accounts set preferred_language = $2 where user_id = $1")
        .bind(user.uuid())
        .bind(language)
        .execute(world.db.pool())
        .await
        .unwrap();
}

/// Marks the account as deleted, as far as notifications see it.
pub async fn delete(world: &World, user: UserId) {
    sqlx::query("update backend.accounts set deleted_at = now() where user_id = $1")
        .bind(user.uuid())
        .execute(world.db.pool())
        .await
        .unwrap();
}

/// `channel status` of every route, in order of creation.
pub async fn routes(world: &World) -> Vec<String> {
    sqlx::query_scalar(
        "select channel || ' ' || status from backend.notification_routes order by route_id, channel",
    )
    .fetch_all(world.db.pool())
    .await
    .unwrap()
}

/// `(template, address, subject, unsubscribe)` of every mail in the outbox.
pub async fn mails(world: &World) -> Vec<(String, String, String, Option<String>)> {
    sqlx::query_as(
        "select d.template_id, r.address, p.subject, d.list_unsubscribe from backend.mail_deliveries d
         join backend.mail_recipients r using (delivery_id) join backend.mail_payloads p using (payload_id)
         order by d.delivery_id",
    )
    .fetch_all(world.db.pool())
    .await
    .unwrap()
}

/// How many push events are in the outbox.
pub async fn pushes(world: &World) -> i64 {
    world
        .count("select count(*) from backend.event_outbox where subject = 'galaxy.push.client'")
        .await
}

/// Makes every pending route due.
pub async fn make_routes_due(world: &World) {
    sqlx::query(
        "update backend.notification_routes set next_attempt_at = now() where status = 'pending'",
    )
    .execute(world.db.pool())
    .await
    .unwrap();
}

/// Claims and delivers what is due, as the notifier does.
pub async fn deliver_due(world: &World, now: Timestamp) {
    for route in due::claim(&world.db, 100, LEASE).await.unwrap() {
        due::deliver(&world.db, &settings(), route, now)
            .await
            .unwrap();
    }
}
