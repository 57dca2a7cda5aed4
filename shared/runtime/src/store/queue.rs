//! `runtime_operation_log` as queue: what goes in, what is taken back, what is there.

use std::collections::HashSet;

use galaxy_core::{GameId, Op, OperationId, Timestamp, UserId};
use galaxy_store::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::NewOperation;

#[tracing::instrument(name = "db.runtime.queue_operation", skip_all)]
pub(crate) async fn insert(
    connection: &mut PgConnection,
    id: OperationId,
    operation: &NewOperation,
    traceparent: Option<String>,
) -> Result<()> {
    sqlx::query!(
        "insert into backend.runtime_operation_log
             (operation_id, game_id, op, params, requested_by, run_after, max_attempts, traceparent, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp())",
        id.uuid(),
        operation.game_id.uuid(),
        operation.work.op().as_str(),
        operation.work.params(),
        operation.requested_by,
        operation.run_after,
        operation.work.max_attempts(),
        traceparent,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends what is queued or parked for `game`, and withdraws what a process works on: that is undone at its next step. Gives
/// what was ended.
#[tracing::instrument(name = "db.runtime.cancel_operations", skip_all)]
pub(crate) async fn cancel(
    connection: &mut PgConnection,
    game: GameId,
    ops: &[Op],
    now: Timestamp,
) -> Result<Vec<(OperationId, Op)>> {
    let ops: Vec<String> = ops.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "update backend.runtime_operation_log set cancel_requested_at = coalesce(cancel_requested_at, $3)
         where game_id = $1 and status = 'running' and op = any($2) and op in ('start', 'restart', 'patch')",
        game.uuid(),
        &ops,
        now,
    )
    .execute(&mut *connection)
    .await?;
    let ended = sqlx::query!(
        r#"update backend.runtime_operation_log
           set status = 'cancelled', finished_at = $3, parked = false, waiting_for = null,
               error = 'cancelled: another operation took its place'
           where game_id = $1 and status = 'queued' and op = any($2)
           returning operation_id as "operation_id: OperationId", op as "op: Op""#,
        game.uuid(),
        &ops,
        now,
    )
    .fetch_all(connection)
    .await?;
    Ok(ended
        .into_iter()
        .map(|row| (row.operation_id, row.op))
        .collect())
}

/// Ends one operation of `game` that waits and has not made anything that would have to be undone.
#[tracing::instrument(name = "db.runtime.cancel_waiting", skip_all)]
pub(crate) async fn cancel_waiting(
    connection: &mut PgConnection,
    game: GameId,
    id: OperationId,
    now: Timestamp,
) -> Result<Option<Op>> {
    Ok(sqlx::query_scalar!(
        r#"update backend.runtime_operation_log
           set status = 'cancelled', finished_at = $3, parked = false, waiting_for = null,
               error = 'cancelled: an operator took it back'
           where game_id = $1 and operation_id = $2 and status = 'queued'
             and not (parked and op in ('start', 'restart', 'patch'))
           returning op as "op: Op""#,
        game.uuid(),
        id.uuid(),
        now,
    )
    .fetch_optional(connection)
    .await?)
}

/// Withdraws one parked start, restart or patch of `game`: it is claimed at once and undone. `false` if there is none.
#[tracing::instrument(name = "db.runtime.withdraw_parked", skip_all)]
pub(crate) async fn withdraw_parked(
    connection: &mut PgConnection,
    game: GameId,
    id: OperationId,
    now: Timestamp,
) -> Result<bool> {
    let rows = sqlx::query!(
        "update backend.runtime_operation_log
         set cancel_requested_at = coalesce(cancel_requested_at, $3), run_after = least(run_after, $3)
         where game_id = $1 and operation_id = $2 and status = 'queued' and parked
           and op in ('start', 'restart', 'patch')",
        game.uuid(),
        id.uuid(),
        now,
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(rows == 1)
}

#[tracing::instrument(name = "db.runtime.is_operation_open", skip_all)]
pub(crate) async fn is_open(connection: &mut PgConnection, game: GameId, op: Op) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select 1 from backend.runtime_operation_log
           where game_id = $1 and status in ('queued', 'running') and op = $2) as "open!""#,
        game.uuid(),
        op.as_str(),
    )
    .fetch_one(connection)
    .await?)
}

/// Those of `games` whose engine an operation is going to move, or is calling: what it will leave is not known yet. A
/// waiting banishment does not count, since it may itself wait for the engine.
#[tracing::instrument(name = "db.runtime.busy_games", skip_all)]
pub async fn busy(connection: &mut PgConnection, games: &[GameId]) -> Result<HashSet<GameId>> {
    let games: Vec<Uuid> = games.iter().map(|game| game.uuid()).collect();
    let busy = sqlx::query_scalar!(
        r#"select distinct game_id as "game: GameId" from backend.runtime_operation_log
           where game_id = any($1) and (status = 'running' or (status = 'queued' and op <> 'banish'))"#,
        &games,
    )
    .fetch_all(connection)
    .await?;
    Ok(busy.into_iter().collect())
}

/// Whether `user` is, or is about to be, banished from the game.
#[tracing::instrument(name = "db.runtime.has_banishment", skip_all)]
pub(crate) async fn has_banishment(
    connection: &mut PgConnection,
    game: GameId,
    user: UserId,
) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select 1 from backend.runtime_operation_log
           where game_id = $1 and op = 'banish' and status in ('queued', 'running', 'succeeded')
             and params ->> 'user_id' = $2) as "there!""#,
        game.uuid(),
        user.to_string(),
    )
    .fetch_one(connection)
    .await?)
}
