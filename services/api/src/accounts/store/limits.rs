//! SQL on limits: the records and those in force.

use galaxy_core::{RecordId, Timestamp, UserId};
use galaxy_store::Result;
use sqlx::PgConnection;
use tracing::instrument;

use super::{Change, Ended, changes_one_row};
use crate::accounts::model::LimitCode;

/// A limit that an operator has set and that is in force.
#[derive(Debug, Clone, Copy)]
pub struct ActiveLimit {
    pub code: LimitCode,
    pub value: u32,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// The limits in force at `now` instead of the tier's.
#[instrument(name = "db.accounts.active_limits", skip_all, fields(%user_id))]
pub async fn active_limits(
    connection: &mut PgConnection,
    user_id: UserId,
    now: Timestamp,
) -> Result<Vec<ActiveLimit>> {
    let rows = sqlx::query!(
        r#"select limit_code as "code: LimitCode", value, expires_at from backend.limit_active
           where user_id = $1 and (expires_at is null or expires_at > $2) order by limit_code"#,
        user_id.uuid(),
        now,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ActiveLimit {
            code: row.code,
            value: row.value.cast_unsigned(),
            expires_at: row.expires_at,
        })
        .collect())
}

/// Adds the record and puts the value in force.
#[instrument(name = "db.accounts.set_limit", skip_all, fields(user_id = %change.user_id))]
pub async fn set_limit(
    connection: &mut PgConnection,
    change: &Change<'_, LimitCode>,
    value: u32,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "with noted as (
             insert into backend.limit_records
                 (record_id, user_id, limit_code, action, value, reason, actor, expires_at, created_at)
             values ($1, $2, $3, 'set', $4, $5, $6, $7, $8)
             returning record_id)
         insert into backend.limit_active (user_id, limit_code, value, record_id, expires_at, created_at)
         select $2, $3, $4, record_id, $7, $8 from noted
         on conflict (user_id, limit_code) do update set value = excluded.value, record_id = excluded.record_id,
             expires_at = excluded.expires_at, created_at = excluded.created_at",
        RecordId::generate().uuid(),
        change.user_id.uuid(),
        change.code.as_str(),
        value.cast_signed(),
        change.reason,
        change.actor,
        change.expires_at,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes the limit and records it; `false`, and no record, if none was set. With `ended_by`, only if its end had come
/// by then.
#[instrument(name = "db.accounts.remove_limit", skip_all, fields(user_id = %change.user_id))]
pub async fn remove_limit(
    connection: &mut PgConnection,
    change: &Change<'_, LimitCode>,
    ended_by: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool> {
    let removal = sqlx::query!(
        "with gone as (
             delete from backend.limit_active
             where user_id = $2 and limit_code = $3 and ($7::timestamptz is null or expires_at <= $7)
             returning user_id)
         insert into backend.limit_records (record_id, user_id, limit_code, action, reason, actor, created_at)
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

/// Up to `batch` limits whose end has come.
#[instrument(name = "db.accounts.ended_limits", skip_all)]
pub async fn ended_limits(
    connection: &mut PgConnection,
    now: Timestamp,
    batch: i64,
) -> Result<Vec<Ended<LimitCode>>> {
    Ok(sqlx::query_as!(
        Ended,
        r#"select user_id, limit_code as "code: LimitCode" from backend.limit_active
           where expires_at <= $1 order by expires_at limit $2"#,
        now,
        batch,
    )
    .fetch_all(connection)
    .await?)
}
