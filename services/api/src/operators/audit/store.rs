//! All SQL on the audit log.

use galaxy_core::{AuditId, Limit, Timestamp};
use galaxy_store::Result;
use sqlx::PgConnection;
use tracing::instrument;
use uuid::Uuid;

/// An entry of the audit log.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    pub audit_id: AuditId,
    /// The operator.
    pub username: String,
    pub action: String,
    /// `user`, `game`, …
    pub target_kind: String,
    pub target_id: Option<String>,
    pub request_id: Option<String>,
    pub details: serde_json::Value,
    pub created_at: Timestamp,
}

/// Adds an entry with the time of the database.
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

/// Which entries to list; an absent filter matches every entry.
#[derive(Debug, Default)]
pub struct AuditFilter {
    pub username: Option<String>,
    pub target_kind: Option<String>,
    pub target_id: Option<String>,
    pub action: Option<String>,
}

/// Entries older than `before`, the newest first.
#[instrument(name = "db.admin.list_audit", skip_all)]
pub async fn list_audit(
    connection: &mut PgConnection,
    filter: &AuditFilter,
    before: Option<(Timestamp, Uuid)>,
    limit: Limit,
) -> Result<Vec<AuditEntry>> {
    let (before_at, before_id) = before.unzip();
    Ok(sqlx::query_as!(
        AuditEntry,
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
        before_at,
        before_id,
        limit.probe(),
    )
    .fetch_all(connection)
    .await?)
}
