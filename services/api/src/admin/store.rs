//! All SQL on admin accounts and the audit log.

use galaxy_core::{AuditId, Limit};
use galaxy_store::Result;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use tracing::instrument;
use uuid::Uuid;

/// An operator's account, without its password.
#[derive(Debug, Clone)]
pub struct AdminAccount {
    /// Its name.
    pub username: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its password was last checked with success, give or take the minutes it is remembered for.
    pub last_used_at: Option<Timestamp>,
    /// Since when it is disabled.
    pub disabled_at: Option<Timestamp>,
}

/// The password hash of an enabled account.
#[instrument(name = "db.admin.password_hash", skip_all)]
pub async fn password_hash(
    connection: &mut PgConnection,
    username: &str,
) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!(
        "select password_hash from backend.admin_accounts where username = $1 and disabled_at is null",
        username,
    )
    .fetch_optional(connection)
    .await?)
}

/// Notes that the password was checked with success.
#[instrument(name = "db.admin.note_use", skip_all)]
pub async fn note_use(connection: &mut PgConnection, username: &str, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "update backend.admin_accounts set last_used_at = $2 where username = $1",
        username,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes an account; `false` if there is one of that name.
#[instrument(name = "db.admin.insert", skip_all)]
pub async fn insert(
    connection: &mut PgConnection,
    username: &str,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool> {
    Ok(sqlx::query!(
        "insert into backend.admin_accounts (username, password_hash, created_at, password_changed_at)
         values ($1, $2, $3, $3) on conflict do nothing",
        username,
        password_hash,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?
    .rows_affected()
        == 1)
}

/// Whether there is any account at all of that name, disabled ones included.
#[instrument(name = "db.admin.exists", skip_all)]
pub async fn exists(connection: &mut PgConnection, username: &str) -> Result<bool> {
    Ok(find(connection, username).await?.is_some())
}

/// The account of that name.
#[instrument(name = "db.admin.find", skip_all)]
pub async fn find(connection: &mut PgConnection, username: &str) -> Result<Option<AdminAccount>> {
    let row = sqlx::query!(
        "select username, created_at, last_used_at, disabled_at from backend.admin_accounts where username = $1",
        username,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| AdminAccount {
        username: row.username,
        created_at: row.created_at.to_jiff(),
        last_used_at: row.last_used_at.map(jiff_sqlx::Timestamp::to_jiff),
        disabled_at: row.disabled_at.map(jiff_sqlx::Timestamp::to_jiff),
    }))
}

/// Accounts in the order of their names, after `after`.
#[instrument(name = "db.admin.list", skip_all)]
pub async fn list(
    connection: &mut PgConnection,
    after: Option<&str>,
    limit: Limit,
) -> Result<Vec<AdminAccount>> {
    let rows = sqlx::query!(
        "select username, created_at, last_used_at, disabled_at from backend.admin_accounts
         where username > coalesce($1, '') order by username limit $2",
        after,
        limit.probe(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AdminAccount {
            username: row.username,
            created_at: row.created_at.to_jiff(),
            last_used_at: row.last_used_at.map(jiff_sqlx::Timestamp::to_jiff),
            disabled_at: row.disabled_at.map(jiff_sqlx::Timestamp::to_jiff),
        })
        .collect())
}

/// Locks all enabled accounts and gives their names: two operators who disable each other wait here.
#[instrument(name = "db.admin.lock_enabled", skip_all)]
pub async fn lock_enabled(connection: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        "select username from backend.admin_accounts where disabled_at is null order by username for update",
    )
    .fetch_all(connection)
    .await?)
}

/// Disables or enables; `false` if there is no such account.
#[instrument(name = "db.admin.set_disabled", skip_all)]
pub async fn set_disabled(
    connection: &mut PgConnection,
    username: &str,
    disabled_at: Option<Timestamp>,
) -> Result<bool> {
    Ok(sqlx::query!(
        "update backend.admin_accounts
         set disabled_at = case when $2::timestamptz is null then null else coalesce(disabled_at, $2) end
         where username = $1",
        username,
        disabled_at.map(ToSqlx::to_sqlx) as _,
    )
    .execute(connection)
    .await?
    .rows_affected()
        == 1)
}

/// Sets another password; `false` if there is no such account.
#[instrument(name = "db.admin.set_password", skip_all)]
pub async fn set_password(
    connection: &mut PgConnection,
    username: &str,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool> {
    Ok(sqlx::query!(
        "update backend.admin_accounts set password_hash = $2, password_changed_at = $3 where username = $1",
        username,
        password_hash,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?
    .rows_affected()
        == 1)
}

/// A line of the audit log.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// Its id.
    pub audit_id: AuditId,
    /// Who.
    pub username: String,
    /// Did what.
    pub action: String,
    /// To what kind of thing.
    pub target_kind: String,
    /// Which one.
    pub target_id: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// And how exactly.
    pub details: serde_json::Value,
    /// When.
    pub created_at: Timestamp,
}

/// Adds a line.
#[instrument(name = "db.admin.insert_audit", skip_all, fields(action = entry.action))]
pub async fn insert_audit(connection: &mut PgConnection, entry: &AuditEntry) -> Result<()> {
    sqlx::query!(
        "insert into backend.admin_audit_log
             (audit_id, username, action, target_kind, target_id, request_id, details, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())",
        entry.audit_id.uuid(),
        entry.username,
        entry.action,
        entry.target_kind,
        entry.target_id,
        entry.request_id,
        entry.details,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What lines to show; what is absent does not narrow.
#[derive(Debug, Default)]
pub struct AuditFilter {
    /// By whom.
    pub username: Option<String>,
    /// On what kind of thing.
    pub target_kind: Option<String>,
    /// On which one.
    pub target_id: Option<String>,
    /// Which action.
    pub action: Option<String>,
}

/// Lines older than `before`, the newest first.
#[instrument(name = "db.admin.list_audit", skip_all)]
pub async fn list_audit(
    connection: &mut PgConnection,
    filter: &AuditFilter,
    before: Option<(Timestamp, Uuid)>,
    limit: Limit,
) -> Result<Vec<AuditEntry>> {
    let (before_at, before_id) = before.unzip();
    let rows = sqlx::query!(
        "select audit_id, username, action, target_kind, target_id, request_id, details, created_at
         from backend.admin_audit_log
         where ($1::text is null or username = $1) and ($2::text is null or target_kind = $2)
             and ($3::text is null or target_id = $3) and ($4::text is null or action = $4)
             and ($5::timestamptz is null or (created_at, audit_id) < ($5, $6))
         order by created_at desc, audit_id desc limit $7",
        filter.username,
        filter.target_kind,
        filter.target_id,
        filter.action,
        before_at.map(ToSqlx::to_sqlx) as _,
        before_id,
        limit.probe(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AuditEntry {
            audit_id: row.audit_id.into(),
            username: row.username,
            action: row.action,
            target_kind: row.target_kind,
            target_id: row.target_id,
            request_id: row.request_id,
            details: row.details,
            created_at: row.created_at.to_jiff(),
        })
        .collect())
}
