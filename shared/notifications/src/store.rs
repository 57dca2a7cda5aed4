//! The SQL of new notifications and their routes, and of contacts (from the view `account_contacts`).

use std::collections::{HashMap, HashSet};

use galaxy_core::{EmailAddress, EventId, Locale, NotificationId, RouteId, Timestamp, UserId};
use galaxy_service::telemetry;
use galaxy_store::{Result, Tx};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    plan::Contact,
    preferences::Preferences,
    route::{Channel, RouteStatus},
};

/// The existing accounts among `ids`, including deleted ones.
#[tracing::instrument(name = "db.notifications.contacts", level = "debug", skip_all)]
pub(crate) async fn contacts(tx: &mut Tx, ids: &[Uuid]) -> Result<HashMap<UserId, Contact>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"select user_id as "user_id!", delivery_email as "email!", display_name as "display_name!",
             preferred_language as "language!", time_zone as "time_zone!", notifications as "settings!",
             is_deleted as "is_deleted!"
         from backend.account_contacts where user_id = any($1)"#,
        ids,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let contact = Contact {
                user_id: UserId(row.user_id),
                email: EmailAddress::parse(&row.email).ok(),
                display_name: row.display_name,
                locale: Locale::best_match(&row.language),
                time_zone: row.time_zone,
                preferences: Preferences::read(&row.settings),
                is_deleted: row.is_deleted,
            };
            (contact.user_id, contact)
        })
        .collect())
}

/// A notification to insert.
pub(crate) struct NewNotification<'a> {
    pub id: NotificationId,
    pub kind: &'static str,
    pub idempotency_key: &'a str,
    pub user_id: Option<UserId>,
    pub payload: &'a Value,
}

/// Inserts the notifications whose keys are new, and returns their ids.
#[tracing::instrument(name = "db.notifications.insert", level = "debug", skip_all)]
pub(crate) async fn insert_notifications(
    tx: &mut Tx,
    event_id: Option<EventId>,
    rows: &[NewNotification<'_>],
) -> Result<HashSet<NotificationId>> {
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id.uuid()).collect();
    let kinds: Vec<String> = rows.iter().map(|row| row.kind.to_owned()).collect();
    let keys: Vec<String> = rows
        .iter()
        .map(|row| row.idempotency_key.to_owned())
        .collect();
    let users: Vec<Option<Uuid>> = rows
        .iter()
        .map(|row| row.user_id.map(UserId::uuid))
        .collect();
    let payloads: Vec<Value> = rows.iter().map(|row| row.payload.clone()).collect();
    let inserted = sqlx::query_scalar!(
        "insert into backend.notifications
             (notification_id, kind, idempotency_key, user_id, payload, event_id, traceparent)
         select id, kind, key, user_id, payload, $6, $7
         from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::jsonb[])
             as new (id, kind, key, user_id, payload)
         on conflict (kind, idempotency_key) do nothing
         returning notification_id",
        &ids,
        &kinds,
        &keys,
        &users as &[Option<Uuid>],
        &payloads,
        event_id.map(EventId::uuid),
        telemetry::traceparent(),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(inserted.into_iter().map(NotificationId).collect())
}

/// A route to insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NewRoute {
    pub notification_id: NotificationId,
    pub channel: Channel,
    pub status: RouteStatus,
    pub reason: Option<&'static str>,
    pub due_at: Timestamp,
}

/// Inserts routes. Delivered ones count as one attempt.
#[tracing::instrument(name = "db.notifications.insert_routes", level = "debug", skip_all)]
pub(crate) async fn insert_routes(tx: &mut Tx, routes: &[NewRoute]) -> Result<()> {
    if routes.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = routes.iter().map(|_| RouteId::generate().uuid()).collect();
    let notifications: Vec<Uuid> = routes.iter().map(|r| r.notification_id.uuid()).collect();
    let channels: Vec<Channel> = routes.iter().map(|r| r.channel).collect();
    let states: Vec<RouteStatus> = routes.iter().map(|r| r.status).collect();
    let reasons: Vec<Option<String>> = routes.iter().map(|r| r.reason.map(str::to_owned)).collect();
    let due: Vec<Timestamp> = routes.iter().map(|r| r.due_at).collect();
    sqlx::query!(
        "insert into backend.notification_routes
             (route_id, notification_id, channel, status, reason, next_attempt_at, attempts, last_attempt_at)
         select id, notification_id, channel, status, reason, due_at, (status = 'delivered')::int,
             case when status = 'delivered' then now() end
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
             as new (id, notification_id, channel, status, reason, due_at)",
        &ids,
        &notifications,
        &channels as _,
        &states as _,
        &reasons as &[Option<String>],
        &due,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
