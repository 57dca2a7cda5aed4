//! Lists for operators, newest first: notifications with their routes, dead letters, malformed intents.

use galaxy_core::{Cursor, EventId, Limit, NotificationId, Page, RouteId, Timestamp, UserId};
use galaxy_store::{Db, ListError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::route::{Channel, RouteStatus};

/// Which notifications to list; a field that is `None` does not restrict them.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Filter {
    /// Only those of this kind.
    pub kind: Option<String>,
    /// Only those to this account.
    pub user_id: Option<UserId>,
}

/// A notification without its routes, as lists return it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Notification {
    /// The id of the notification.
    pub notification_id: NotificationId,
    /// The kind, such as `game.turn_ready`.
    pub kind: String,
    /// The key that makes it unique among those of its kind.
    pub idempotency_key: String,
    /// The recipient; `null` for operators.
    pub user_id: Option<UserId>,
    /// The values that its texts are rendered from.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// The event that caused it.
    pub event_id: Option<EventId>,
    /// When it was submitted.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// The delivery of a notification over one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Route {
    /// The id of the route.
    pub route_id: RouteId,
    /// `push` or `mail`.
    #[schema(value_type = String)]
    pub channel: Channel,
    /// `pending`, `delivered`, `skipped` or `dead`.
    #[schema(value_type = String)]
    pub status: RouteStatus,
    /// Why it was skipped or given up.
    pub reason: Option<String>,
    /// Attempts made so far.
    pub attempts: i32,
    /// When the next attempt is due, while it is pending.
    #[schema(value_type = String, format = DateTime)]
    pub next_attempt_at: Timestamp,
    /// When the last attempt was made.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_attempt_at: Option<Timestamp>,
}

/// A notification with its routes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct NotificationDetail {
    /// The fields that lists return.
    #[serde(flatten)]
    pub notification: Notification,
    /// One route per channel, two at most.
    pub routes: Vec<Route>,
}

/// A route that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = NotificationDeadLetter)]
pub struct DeadLetter {
    /// The id of the dead letter.
    #[schema(value_type = String, format = Uuid)]
    pub dead_letter_id: Uuid,
    /// The notification that was not delivered.
    pub notification_id: NotificationId,
    /// The route that was given up.
    pub route_id: Option<RouteId>,
    /// When it was given up.
    #[schema(value_type = String, format = DateTime)]
    pub archived_at: Timestamp,
    /// Why it was given up.
    pub reason: String,
    /// When an operator replayed it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub replayed_at: Option<Timestamp>,
}

/// An intent that was refused.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MalformedIntent {
    /// The id of this record.
    #[schema(value_type = String, format = Uuid)]
    pub id: Uuid,
    /// When it was received.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// The intent as received; a string if it was not JSON.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// The rule that it breaks.
    pub reason: String,
    /// The event that it came with.
    pub event_id: Option<EventId>,
}

const NOTIFICATIONS: &str = "notifications";
const DEAD_LETTERS: &str = "notification_dead_letters";
const MALFORMED: &str = "notification_malformed";

/// What every list is ordered by: a time and, for equal times, an id.
type Key = (Timestamp, Uuid);

/// A page of notifications.
#[tracing::instrument(name = "db.notifications.list", skip_all)]
pub async fn notifications(
    db: &Db,
    filter: &Filter,
    cursor: Option<&str>,
    limit: Limit,
) -> Result<Page<Notification>, ListError> {
    let (at, id) = Cursor::after::<Key>(NOTIFICATIONS, cursor)?.unzip();
    let mut connection = db.acquire().await?;
    let rows = sqlx::query_as!(
        Notification,
        r#"select notification_id, kind, idempotency_key, user_id as "user_id: UserId", payload,
             event_id as "event_id: EventId", created_at
         from backend.notifications
         where ($1::text is null or kind = $1) and ($2::uuid is null or user_id = $2)
           and ($3::timestamptz is null or (created_at, notification_id) < ($3, $4))
         order by created_at desc, notification_id desc limit $5"#,
        filter.kind,
        filter.user_id.map(UserId::uuid),
        at,
        id,
        limit.probe(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let key = |row: &Notification| (row.created_at, row.notification_id.uuid());
    Ok(Page::cut(rows, limit, NOTIFICATIONS, key))
}

/// One notification with its routes; `None` if the id is unknown.
#[tracing::instrument(name = "db.notifications.get", skip_all, fields(notification_id = %id))]
pub async fn notification(
    db: &Db,
    id: NotificationId,
) -> galaxy_store::Result<Option<NotificationDetail>> {
    let mut connection = db.acquire().await?;
    let notification = sqlx::query_as!(
        Notification,
        r#"select notification_id, kind, idempotency_key, user_id as "user_id: UserId", payload,
             event_id as "event_id: EventId", created_at
         from backend.notifications where notification_id = $1"#,
        id.uuid(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(notification) = notification else {
        return Ok(None);
    };
    let routes = sqlx::query_as!(
        Route,
        r#"select route_id, channel as "channel: Channel", status as "status: RouteStatus", reason, attempts,
             next_attempt_at, last_attempt_at
         from backend.notification_routes where notification_id = $1 order by channel"#,
        id.uuid(),
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(Some(NotificationDetail {
        notification,
        routes,
    }))
}

/// A page of dead letters.
#[tracing::instrument(name = "db.notifications.dead_letters", skip_all)]
pub async fn dead_letters(
    db: &Db,
    cursor: Option<&str>,
    limit: Limit,
) -> Result<Page<DeadLetter>, ListError> {
    let (at, id) = Cursor::after::<Key>(DEAD_LETTERS, cursor)?.unzip();
    let mut connection = db.acquire().await?;
    let rows = sqlx::query_as!(
        DeadLetter,
        r#"select dead_letter_id, notification_id, route_id as "route_id: RouteId", archived_at, reason, replayed_at
         from backend.notification_dead_letters
         where $1::timestamptz is null or (archived_at, dead_letter_id) < ($1, $2)
         order by archived_at desc, dead_letter_id desc limit $3"#,
        at,
        id,
        limit.probe(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let key = |row: &DeadLetter| (row.archived_at, row.dead_letter_id);
    Ok(Page::cut(rows, limit, DEAD_LETTERS, key))
}

/// A page of malformed intents.
#[tracing::instrument(name = "db.notifications.malformed", skip_all)]
pub async fn malformed(
    db: &Db,
    cursor: Option<&str>,
    limit: Limit,
) -> Result<Page<MalformedIntent>, ListError> {
    let (at, id) = Cursor::after::<Key>(MALFORMED, cursor)?.unzip();
    let mut connection = db.acquire().await?;
    let rows = sqlx::query_as!(
        MalformedIntent,
        r#"select id, received_at, payload, reason, event_id as "event_id: EventId"
         from backend.notification_malformed_intents
         where $1::timestamptz is null or (received_at, id) < ($1, $2)
         order by received_at desc, id desc limit $3"#,
        at,
        id,
        limit.probe(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let key = |row: &MalformedIntent| (row.received_at, row.id);
    Ok(Page::cut(rows, limit, MALFORMED, key))
}
