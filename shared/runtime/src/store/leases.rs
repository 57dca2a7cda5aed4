//! `runtime_operation_log` under leases: claim, renew, give back, conclude.

use galaxy_core::{GameId, LeaseToken, Op, OperationId, OperationStatus, Timestamp};
use galaxy_store::{Db, Result};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{uint, unreadable};
use crate::{
    Work,
    operations::{Claimed, LEASE_SPAN},
};

const ONE_RUNNING: &str = "runtime_operation_log_running_idx";

struct Row {
    operation_id: OperationId,
    game_id: GameId,
    op: Op,
    params: Value,
    attempt: i32,
    max_attempts: i32,
    token: Uuid,
    traceparent: Option<String>,
}

impl TryFrom<Row> for Claimed {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> std::result::Result<Self, sqlx::Error> {
        Ok(Self {
            operation_id: row.operation_id,
            game_id: row.game_id,
            work: Work::from_columns(row.op, &row.params).map_err(unreadable)?,
            attempt: uint(row.attempt),
            max_attempts: uint(row.max_attempts),
            token: LeaseToken(row.token),
            traceparent: row.traceparent,
        })
    }
}

#[tracing::instrument(name = "db.runtime.claim_operations", skip_all)]
pub(crate) async fn claim(db: &Db, owner: &str, room: i64, now: Timestamp) -> Result<Vec<Claimed>> {
    let mut connection = db.acquire().await?;
    let mut rows = abandoned(&mut connection, owner, room, now).await?;
    let room = room - i64::try_from(rows.len()).unwrap_or(room);
    if room > 0 {
        match due(&mut connection, owner, room, now).await {
            Ok(found) => rows.extend(found),
            // Somebody claimed another operation of one of these games in this instant: the next look will do.
            Err(error) if error.is_unique_violation(ONE_RUNNING) => {}
            Err(error) => return Err(error),
        }
    }
    let claimed = rows
        .into_iter()
        .map(Claimed::try_from)
        .collect::<std::result::Result<_, _>>()?;
    Ok(claimed)
}

/// Takes over what is running under a lease that has run out.
async fn abandoned(
    connection: &mut PgConnection,
    owner: &str,
    room: i64,
    now: Timestamp,
) -> Result<Vec<Row>> {
    Ok(sqlx::query_as!(
        Row,
        r#"with lost as (
             select operation_id from backend.runtime_operation_log
             where status = 'running' and lease_expires_at < $3
             order by lease_expires_at limit $2 for update skip locked)
         update backend.runtime_operation_log o
         set lease_token = gen_random_uuid(), lease_owner = $1, lease_expires_at = $4, attempt = o.attempt + 1
         from lost where o.operation_id = lost.operation_id
         returning o.operation_id as "operation_id: OperationId", o.game_id as "game_id: GameId", o.op as "op: Op",
             o.params, o.attempt, o.max_attempts, o.lease_token as "token!", o.traceparent"#,
        owner,
        room,
        now,
        now + LEASE_SPAN,
    )
    .fetch_all(connection)
    .await?)
}

/// Claims the first due operation of each of up to `room` games in which nothing runs. A start waits for nothing else,
/// everything else waits for it.
async fn due(
    connection: &mut PgConnection,
    owner: &str,
    room: i64,
    now: Timestamp,
) -> Result<Vec<Row>> {
    Ok(sqlx::query_as!(
        Row,
        r#"with due as (
             select operation_id from backend.runtime_operation_log q
             where status = 'queued' and run_after <= $3
               and not exists (
                   select 1 from backend.runtime_operation_log o
                   where o.game_id = q.game_id and o.operation_id <> q.operation_id
                     and o.status in ('queued', 'running')
                     and (o.status = 'running'
                          or (q.op <> 'start'
                              and (o.op = 'start' or (o.run_after, o.operation_id) < (q.run_after, q.operation_id)))))
             order by run_after, operation_id limit $2 for update skip locked)
         update backend.runtime_operation_log o
         set status = 'running', lease_token = gen_random_uuid(), lease_owner = $1, lease_expires_at = $4,
             attempt = o.attempt + 1, started_at = coalesce(o.started_at, $3)
         from due where o.operation_id = due.operation_id
         returning o.operation_id as "operation_id: OperationId", o.game_id as "game_id: GameId", o.op as "op: Op",
             o.params, o.attempt, o.max_attempts, o.lease_token as "token!", o.traceparent"#,
        owner,
        room,
        now,
        now + LEASE_SPAN,
    )
    .fetch_all(connection)
    .await?)
}

#[tracing::instrument(name = "db.runtime.renew_operation", skip_all)]
pub(crate) async fn renew(
    connection: &mut PgConnection,
    operation: &Claimed,
    now: Timestamp,
) -> Result<bool> {
    let rows = sqlx::query!(
        "update backend.runtime_operation_log set lease_expires_at = $3
         where operation_id = $1 and lease_token = $2",
        operation.operation_id.uuid(),
        operation.token.uuid(),
        now + LEASE_SPAN,
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(rows == 1)
}

/// Whether the operation is held, and keeps it so until the transaction ends.
#[tracing::instrument(name = "db.runtime.check_lease", skip_all)]
pub(crate) async fn is_held(connection: &mut PgConnection, operation: &Claimed) -> Result<bool> {
    let row = sqlx::query_scalar!(
        "select 1 from backend.runtime_operation_log where operation_id = $1 and lease_token = $2 for update",
        operation.operation_id.uuid(),
        operation.token.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.is_some())
}

#[tracing::instrument(name = "db.runtime.release_operation", skip_all)]
pub(crate) async fn release(
    connection: &mut PgConnection,
    operation: &Claimed,
    run_after: Timestamp,
) -> Result<bool> {
    let rows = sqlx::query!(
        "update backend.runtime_operation_log
         set status = 'queued', lease_token = null, lease_owner = null, lease_expires_at = null,
             attempt = greatest(attempt - 1, 0), run_after = $3
         where operation_id = $1 and lease_token = $2",
        operation.operation_id.uuid(),
        operation.token.uuid(),
        run_after,
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(rows == 1)
}

#[tracing::instrument(name = "db.runtime.retry_operation", skip_all)]
pub(crate) async fn retry(
    connection: &mut PgConnection,
    operation: &Claimed,
    error: &str,
    run_after: Timestamp,
) -> Result<bool> {
    let rows = sqlx::query!(
        "update backend.runtime_operation_log
         set status = 'queued', lease_token = null, lease_owner = null, lease_expires_at = null, run_after = $3,
             error = left($4, 4000)
         where operation_id = $1 and lease_token = $2",
        operation.operation_id.uuid(),
        operation.token.uuid(),
        run_after,
        error,
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(rows == 1)
}

/// Writes the end of the operation and says whether more waits for the game; `None` if it is not held.
#[tracing::instrument(name = "db.runtime.conclude_operation", skip_all)]
pub(crate) async fn conclude(
    connection: &mut PgConnection,
    operation: &Claimed,
    status: OperationStatus,
    error: Option<&str>,
    now: Timestamp,
) -> Result<Option<bool>> {
    Ok(sqlx::query_scalar!(
        r#"update backend.runtime_operation_log o
           set status = $3, lease_token = null, lease_owner = null, lease_expires_at = null, finished_at = $4,
               error = left($5, 4000)
           where operation_id = $1 and lease_token = $2
           returning exists (select 1 from backend.runtime_operation_log q
                             where q.game_id = o.game_id and q.status = 'queued') as "more!""#,
        operation.operation_id.uuid(),
        operation.token.uuid(),
        status.as_str(),
        now,
        error,
    )
    .fetch_optional(connection)
    .await?)
}
