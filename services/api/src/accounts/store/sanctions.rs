//! SQL on sanctions: the records and those in force.

use galaxy_core::{RecordId, Timestamp, UserId};
use galaxy_store::Result;
use sqlx::PgConnection;
use tracing::instrument;

use super::{Change, Ended, changes_one_row};
use crate::accounts::model::SanctionCode;

/// The sanctions in force at `now`.
#[instrument(name = "db.accounts.active_sanction_codes", skip_all, fields(%user_id))]
pub async fn active_sanction_codes(
    connection: &mut PgConnection,
    user_id: UserId,
    now: Timestamp,
) -> Result<Vec<SanctionCode>> {
    Ok(sqlx::query_scalar!(
        r#"select sanction_code as "code: SanctionCode" from backend.sanction_active
           where user_id = $1 and (expires_at is null or expires_at > $2)"#,
        user_id.uuid(),
        now,
    )
    .fetch_all(connection)
    .await?)
}

/// A sanction in force.
#[derive(Debug, Clone)]
pub struct ActiveSanction {
    pub code: SanctionCode,
    pub reason: String,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    pub since: Timestamp,
}

/// The sanctions in force at `now`, with their reasons.
#[instrument(name = "db.accounts.active_sanctions", skip_all, fields(%user_id))]
pub async fn active_sanctions(
    connection: &mut PgConnection,
    user_id: UserId,
    now: Timestamp,
) -> Result<Vec<ActiveSanction>> {
    Ok(sqlx::query_as!(
        ActiveSanction,
        r#"select a.sanction_code as "code: SanctionCode", r.reason, a.expires_at, a.created_at as since
           from backend.sanction_active a join backend.sanction_records r on r.record_id = a.record_id
           where a.user_id = $1 and (a.expires_at is null or a.expires_at > $2)
           order by a.sanction_code"#,
        user_id.uuid(),
        now,
    )
    .fetch_all(connection)
    .await?)
}

/// Records the sanction and makes it active. One that was active already gets the new reason and end.
#[instrument(name = "db.accounts.apply_sanction", skip_all, fields(user_id = %change.user_id))]
pub async fn apply_sanction(
    connection: &mut PgConnection,
    change: &Change<'_, SanctionCode>,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "with noted as (
             insert into backend.sanction_records
                 (record_id, user_id, sanction_code, action, reason, actor, expires_at, created_at)
             values ($1, $2, $3, 'apply', $4, $5, $6, $7)
             returning record_id)
         insert into backend.sanction_active (user_id, sanction_code, record_id, expires_at, created_at)
         select $2, $3, record_id, $6, $7 from noted
         on conflict (user_id, sanction_code) do update set record_id = excluded.record_id,
             expires_at = excluded.expires_at, created_at = excluded.created_at",
        RecordId::generate().uuid(),
        change.user_id.uuid(),
        change.code.as_str(),
        change.reason,
        change.actor,
        change.expires_at,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes the sanction and records it; `false`, and no record, if it was not active. With `ended_by`, only if its end had
/// come by then.
#[instrument(name = "db.accounts.remove_sanction", skip_all, fields(user_id = %change.user_id))]
pub async fn remove_sanction(
    connection: &mut PgConnection,
    change: &Change<'_, SanctionCode>,
    ended_by: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool> {
    let removal = sqlx::query!(
        "with gone as (
             delete from backend.sanction_active
             where user_id = $2 and sanction_code = $3 and ($7::timestamptz is null or expires_at <= $7)
             returning user_id)
         insert into backend.sanction_records (record_id, user_id, sanction_code, action, reason, actor, created_at)
         select $1, user_id, $3, 'remove', $4, $5, $6 from gone",
        RecordId::generate().uuid(),
        change.user_id.uuid(),
        change.code.as_str(),
        change.reason,
        change.actor,
        now,
        ended_by,
    );
    changes_one_row(connection, removal).await
}

/// Up to `batch` active sanctions whose end has come.
#[instrument(name = "db.accounts.ended_sanctions", skip_all)]
pub async fn ended_sanctions(
    connection: &mut PgConnection,
    now: Timestamp,
    batch: i64,
) -> Result<Vec<Ended<SanctionCode>>> {
    Ok(sqlx::query_as!(
        Ended,
        r#"select user_id, sanction_code as "code: SanctionCode" from backend.sanction_active
           where expires_at <= $1 order by expires_at limit $2"#,
        now,
        batch,
    )
    .fetch_all(connection)
    .await?)
}
