//! SQL on the histories of entitlements, sanctions and limits.

use galaxy_core::UserId;
use galaxy_store::Result;
use sqlx::PgConnection;
use tracing::instrument;

use crate::accounts::{
    history::{EntitlementEntry, LimitEntry, SanctionEntry},
    model::{LimitCode, SanctionCode, Tier},
};

/// The newest `limit` changes of the tier, newest first.
#[instrument(name = "db.accounts.entitlement_history", skip_all, fields(%user_id))]
pub async fn entitlement_history(
    connection: &mut PgConnection,
    user_id: UserId,
    limit: i64,
) -> Result<Vec<EntitlementEntry>> {
    Ok(sqlx::query_as!(
        EntitlementEntry,
        r#"select record_id, tier as "tier: Tier", source, reason, actor, ends_at, created_at
           from backend.entitlement_records where user_id = $1 order by created_at desc, record_id desc limit $2"#,
        user_id.uuid(),
        limit,
    )
    .fetch_all(connection)
    .await?)
}

/// The newest `limit` sanctions applied and removed, newest first.
#[instrument(name = "db.accounts.sanction_history", skip_all, fields(%user_id))]
pub async fn sanction_history(
    connection: &mut PgConnection,
    user_id: UserId,
    limit: i64,
) -> Result<Vec<SanctionEntry>> {
    Ok(sqlx::query_as!(
        SanctionEntry,
        r#"select record_id, sanction_code as "code: SanctionCode", action, reason, actor, expires_at, created_at
           from backend.sanction_records where user_id = $1 order by created_at desc, record_id desc limit $2"#,
        user_id.uuid(),
        limit,
    )
    .fetch_all(connection)
    .await?)
}

/// The newest `limit` limits set and removed, newest first.
#[instrument(name = "db.accounts.limit_history", skip_all, fields(%user_id))]
pub async fn limit_history(
    connection: &mut PgConnection,
    user_id: UserId,
    limit: i64,
) -> Result<Vec<LimitEntry>> {
    let rows = sqlx::query!(
        r#"select record_id, limit_code as "code: LimitCode", action, value, reason, actor, expires_at, created_at
           from backend.limit_records where user_id = $1 order by created_at desc, record_id desc limit $2"#,
        user_id.uuid(),
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| LimitEntry {
            record_id: row.record_id.into(),
            code: row.code,
            action: row.action,
            value: row.value.map(i32::cast_unsigned),
            reason: row.reason,
            actor: row.actor,
            expires_at: row.expires_at,
            created_at: row.created_at,
        })
        .collect())
}
