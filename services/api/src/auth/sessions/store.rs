//! All SQL on device sessions.

use galaxy_core::{
    DeviceSessionId, Limit, OpenEnum, RevocationReason, SessionStatus, Timestamp, UserId,
};
use galaxy_store::Result;
use sqlx::PgConnection;
use tracing::instrument;
use uuid::Uuid;

/// A session as requests need it.
#[derive(Debug, Clone)]
pub struct Session {
    pub device_session_id: DeviceSessionId,
    pub user_id: UserId,
    /// The device's Ed25519 key, 32 bytes.
    pub client_public_key: Vec<u8>,
    /// Whether it may be used.
    pub status: SessionStatus,
    pub created_at: Timestamp,
}

/// The sessions among `ids` that exist.
#[instrument(name = "db.sessions.find_many", skip_all, fields(count = ids.len()))]
pub async fn find_many(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Session>> {
    Ok(sqlx::query_as!(
        Session,
        r#"select device_session_id, user_id, client_public_key, status as "status: SessionStatus", created_at
           from backend.device_sessions where device_session_id = any($1)"#,
        ids,
    )
    .fetch_all(connection)
    .await?)
}

/// A session that was just revoked.
#[derive(Debug, Clone, Copy)]
pub struct Revoked {
    pub device_session_id: DeviceSessionId,
    pub user_id: UserId,
}

/// Revokes one session, of `owner` if given. `None`: there is none; `Some(None)`: it was revoked before.
#[instrument(name = "db.sessions.revoke", skip_all, fields(device_session_id = %id))]
pub async fn revoke(
    connection: &mut PgConnection,
    id: DeviceSessionId,
    owner: Option<UserId>,
    reason: &OpenEnum<RevocationReason>,
    now: Timestamp,
) -> Result<Option<Option<Revoked>>> {
    let row = sqlx::query!(
        r#"with found as (
             select device_session_id, user_id, status from backend.device_sessions
             where device_session_id = $1 and ($2::uuid is null or user_id = $2) for update),
         ended as (
             update backend.device_sessions d set status = 'revoked', revoked_at = $3, revoke_reason = $4
             from found where d.device_session_id = found.device_session_id and found.status = 'active'
             returning d.device_session_id)
         select found.user_id, exists (select from ended) as "ended!" from found"#,
        id.uuid(),
        owner.map(UserId::uuid),
        now,
        reason.to_string(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| {
        row.ended.then_some(Revoked {
            device_session_id: id,
            user_id: row.user_id.into(),
        })
    }))
}

/// Revokes all active sessions of a user but `except`.
#[instrument(name = "db.sessions.revoke_all", skip_all, fields(%user_id))]
pub async fn revoke_all(
    connection: &mut PgConnection,
    user_id: UserId,
    except: Option<DeviceSessionId>,
    reason: &OpenEnum<RevocationReason>,
    now: Timestamp,
) -> Result<Vec<Revoked>> {
    let rows = sqlx::query_scalar!(
        "update backend.device_sessions set status = 'revoked', revoked_at = $3, revoke_reason = $4
         where user_id = $1 and status = 'active' and ($2::uuid is null or device_session_id <> $2)
         returning device_session_id",
        user_id.uuid(),
        except.map(DeviceSessionId::uuid),
        now,
        reason.to_string(),
    )
    .fetch_all(connection)
    .await?;
    Ok(revoked(rows, user_id))
}

fn revoked(ids: Vec<Uuid>, user_id: UserId) -> Vec<Revoked> {
    let revoked = |id: Uuid| Revoked {
        device_session_id: id.into(),
        user_id,
    };
    ids.into_iter().map(revoked).collect()
}

/// A session as its owner sees it.
#[derive(Debug)]
pub struct OwnSession {
    pub device_session_id: DeviceSessionId,
    pub created_at: Timestamp,
    /// When it was used last, to within a minute.
    pub last_seen_at: Option<Timestamp>,
}

/// The user's active sessions, the newest first, before `before`.
#[instrument(name = "db.sessions.list_active", skip_all, fields(%user_id))]
pub async fn list_active(
    connection: &mut PgConnection,
    user_id: UserId,
    before: Option<(Timestamp, Uuid)>,
    limit: Limit,
) -> Result<Vec<OwnSession>> {
    let (before_at, before_id) = before.unzip();
    Ok(sqlx::query_as!(
        OwnSession,
        "select device_session_id, created_at, last_seen_at from backend.device_sessions
         where user_id = $1 and status = 'active'
             and ($2::timestamptz is null or (created_at, device_session_id) < ($2, $3))
         order by created_at desc, device_session_id desc limit $4",
        user_id.uuid(),
        before_at,
        before_id,
        limit.probe(),
    )
    .fetch_all(connection)
    .await?)
}

/// Writes when sessions were used, at most once a minute each; returns how many rows were written.
#[instrument(name = "db.sessions.write_seen", skip_all, fields(count = ids.len()))]
pub async fn write_seen(
    connection: &mut PgConnection,
    ids: &[Uuid],
    at: &[Timestamp],
) -> Result<u64> {
    Ok(sqlx::query!(
        // Rows that another transaction has locked are skipped: without waiting, there is no deadlock.
        "with free as (
             select device_session_id from backend.device_sessions
             where device_session_id = any($1) and status = 'active' for no key update skip locked)
         update backend.device_sessions d set last_seen_at = s.at
         from free join unnest($1::uuid[], $2::timestamptz[]) s (id, at) on s.id = free.device_session_id
         where d.device_session_id = free.device_session_id
             and (d.last_seen_at is null or d.last_seen_at <= s.at - interval '1 minute')",
        ids,
        at,
    )
    .execute(connection)
    .await?
    .rows_affected())
}

/// Removes up to `batch` sessions that were revoked before `before`; returns how many.
#[instrument(name = "db.sessions.sweep", skip_all)]
pub async fn sweep(connection: &mut PgConnection, before: Timestamp, batch: i64) -> Result<u64> {
    Ok(sqlx::query!(
        "delete from backend.device_sessions where device_session_id in
             (select device_session_id from backend.device_sessions
              where status = 'revoked' and revoked_at < $1
              order by revoked_at limit $2 for update skip locked)",
        before,
        batch,
    )
    .execute(connection)
    .await?
    .rows_affected())
}
