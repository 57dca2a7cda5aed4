//! Lists for operators, newest first: notifications with their routes, dead letters, malformed intents.

use galaxy_core::{
    Cursor, EventId, InvalidCursor, Limit, NotificationId, Page, RouteId, Timestamp, UserId,
};
use galaxy_store::{Db, ListError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// Which notifications are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Filter {
    /// Of this kind.
    pub kind: Option<String>,
    /// To this account.
    pub user_id: Option<UserId>,
}

/// What somebody was told.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Notification {
    /// The notification.
    pub notification_id: NotificationId,
    /// Its kind.
    pub kind: String,
    /// Under which key it was asked for.
    pub idempotency_key: String,
    /// Who was told; `null` for operators.
    pub user_id: Option<UserId>,
    /// What its texts are made from.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// The event that caused it.
    pub event_id: Option<EventId>,
    /// When it was noted.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// One way by which somebody is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Route {
    /// The route.
    pub route_id: RouteId,
    /// `push` or `mail`.
    pub channel: String,
    /// `pending`, `delivered`, `skipped` or `dead`.
    pub status: String,
    /// Why it was skipped or given up.
    pub reason: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next, while it is pending.
    #[schema(value_type = String, format = DateTime)]
    pub next_attempt_at: Timestamp,
    /// When it was tried last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_attempt_at: Option<Timestamp>,
}

/// A notification with its routes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct NotificationDetail {
    /// What lists show.
    #[serde(flatten)]
    pub notification: Notification,
    /// Its routes, two at most.
    pub routes: Vec<Route>,
}

/// A route that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = NotificationDeadLetter)]
pub struct DeadLetter {
    /// The note itself.
    #[schema(value_type = String, format = Uuid)]
    pub dead_letter_id: Uuid,
    /// The notification.
    pub notification_id: NotificationId,
    /// The route.
    pub route_id: Option<RouteId>,
    /// When it was given up.
    #[schema(value_type = String, format = DateTime)]
    pub archived_at: Timestamp,
    /// Why.
    pub reason: String,
    /// When it was made due again.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub replayed_at: Option<Timestamp>,
}

/// What could not be understood.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MalformedIntent {
    /// The note itself.
    #[schema(value_type = String, format = Uuid)]
    pub id: Uuid,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// As it came; a string if it was no JSON.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// What is wrong with it.
    pub reason: String,
    /// The event it came with.
    pub event_id: Option<EventId>,
}

const NOTIFICATIONS: &str = "notifications";
const DEAD_LETTERS: &str = "notification_dead_letters";
const MALFORMED: &str = "notification_malformed";

fn after(
    list: &str,
    cursor: Option<&str>,
) -> Result<(Option<Timestamp>, Option<Uuid>), InvalidCursor> {
    Ok(Cursor::after::<(Timestamp, Uuid)>(list, cursor)?.unzip())
}

/// A page of notifications.
#[tracing::instrument(name = "db.notifications.list", skip_all)]
pub async fn notifications(
    db: &Db,
    filter: &Filter,
    cursor: Option<&str>,
    limit: Limit,
) -> Result<Page<Notification>, ListError> {
    let (at, id) = after(NOTIFICATIONS, cursor)?;
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
    Ok(Page::cut(
        rows,
        limit,
        NOTIFICATIONS,
        |row: &Notification| (row.created_at, row.notification_id.uuid()),
    ))
}

/// One notification with its routes, or `None` if there is no such one.
#[tracing::instrument(name = "db.notifications.get", skip_all, fields(notification_id = %id))]
pub async fn notification(
    db: &Db,
    id: NotificationId,
) -> galaxy_store::Result<Option<NotificationDetail>> {
    let mut connection = db.acquire().await?;
    let row = sqlx::query!(
        "select kind, idempotency_key, user_id, payload, event_id, created_at
         from backend.notifications where notification_id = $1",
        id.uuid(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let routes = sqlx::query_as!(
        Route,
        "select route_id, channel, status, reason, attempts, next_attempt_at, last_attempt_at
         from backend.notification_routes where notification_id = $1 order by channel",
        id.uuid(),
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(Some(NotificationDetail {
        notification: Notification {
            notification_id: id,
            kind: row.kind,
            idempotency_key: row.idempotency_key,
            user_id: row.user_id.map(UserId),
            payload: row.payload,
            event_id: row.event_id.map(EventId),
            created_at: row.created_at,
        },
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
    let (at, id) = after(DEAD_LETTERS, cursor)?;
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
    Ok(Page::cut(rows, limit, DEAD_LETTERS, |row: &DeadLetter| {
        (row.archived_at, row.dead_letter_id)
    }))
}

/// A page of malformed intents.
#[tracing::instrument(name = "db.notifications.malformed", skip_all)]
pub async fn malformed(
    db: &Db,
    cursor: Option<&str>,
    limit: Limit,
) -> Result<Page<MalformedIntent>, ListError> {
    let (at, id) = after(MALFORMED, cursor)?;
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
    Ok(Page::cut(
        rows,
        limit,
        MALFORMED,
        |row: &MalformedIntent| (row.received_at, row.id),
    ))
}
