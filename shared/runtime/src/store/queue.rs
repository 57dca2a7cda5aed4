//! `runtime_operation_log` as queue: what goes in, what is taken back, what is there.

use std::collections::HashSet;

use galaxy_core::{GameId, Op, OperationId, Timestamp, UserId};
use galaxy_store::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::NewOperation;

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
#[tracing::instrument(name = "db.runtime.cancel_operations", skip_all)]
pub(crate) async fn cancel(
    connection: &mut PgConnection,
    game: GameId,
    ops: &[Op],
    now: Timestamp,
) -> Result<u64> {
    let ops: Vec<String> = ops.iter().map(ToString::to_string).collect();
    Ok(sqlx::query!(
        "update backend.runtime_operation_log set status = 'cancelled', finished_at = $3
         where game_id = $1 and status = 'queued' and op = any($2)",
        game.uuid(),
        &ops,
        now,
    )
    .execute(connection)
    .await?
    .rows_affected())
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

#[tracing::instrument(name = "db.runtime.busy_games", skip_all)]
pub(crate) async fn busy(
    connection: &mut PgConnection,
    games: &[GameId],
) -> Result<HashSet<GameId>> {
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
