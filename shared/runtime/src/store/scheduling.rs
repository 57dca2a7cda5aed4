//! `runtime_records` by `next_turn_at`, and the turns that come of it.

use galaxy_core::{GameId, OperationId, Timestamp};
use galaxy_store::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::{TurnMode, Work};

/// A game whose tick came.
pub(crate) struct Due {
    pub game: GameId,
    pub turn_schedule: String,
    pub time_zone: String,
    pub skip: bool,
    pub expected_turn: i32,
    pub at: Timestamp,
}

#[tracing::instrument(name = "db.runtime.next_due", level = "debug", skip_all)]
pub(crate) async fn next_due(connection: &mut PgConnection) -> Result<Option<Timestamp>> {
    let next = sqlx::query_scalar!(
        r#"select next_turn_at as "next!" from backend.runtime_records
           where next_turn_at is not null order by next_turn_at, game_id limit 1"#
    )
    .fetch_optional(connection)
    .await?;
    Ok(next)
}

/// The games whose tick came, locked; those that somebody else works on are passed over.
#[tracing::instrument(name = "db.runtime.lock_due", level = "debug", skip_all)]
pub(crate) async fn lock_due(
    connection: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Due>> {
    Ok(sqlx::query_as!(
        Due,
        r#"select game_id as "game: GameId", turn_schedule, time_zone, skip_next_tick as skip,
               current_turn + 1 as "expected_turn!", next_turn_at as "at!"
           from backend.runtime_records where next_turn_at <= $1
           order by next_turn_at, game_id limit $2 for update skip locked"#,
        now,
        limit,
    )
    .fetch_all(connection)
    .await?)
}

/// Writes each game's next tick.
#[tracing::instrument(name = "db.runtime.advance_schedule", skip_all, fields(games = due.len()))]
pub(crate) async fn advance(
    connection: &mut PgConnection,
    due: &[&Due],
    nexts: &[Option<Timestamp>],
    now: Timestamp,
) -> Result<()> {
    let games: Vec<Uuid> = due.iter().map(|due| due.game.uuid()).collect();
    sqlx::query!(
        "update backend.runtime_records r
         set next_turn_at = ticked.next_turn_at, skip_next_tick = false, version = r.version + 1, updated_at = $3
         from unnest($1::uuid[], $2::timestamptz[]) as ticked (game_id, next_turn_at)
         where r.game_id = ticked.game_id",
        &games,
        nexts as _,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Queues a turn for each game that is not to skip it and has none open; says how many.
#[tracing::instrument(name = "db.runtime.queue_turns", skip_all, fields(games = due.len()))]
pub(crate) async fn queue_turns(
    connection: &mut PgConnection,
    due: &[&Due],
    now: Timestamp,
) -> Result<u64> {
    let ticking = || due.iter().filter(|due| !due.skip);
    let ids: Vec<Uuid> = ticking().map(|_| OperationId::generate().uuid()).collect();
    let games: Vec<Uuid> = ticking().map(|due| due.game.uuid()).collect();
    let turns: Vec<i32> = ticking().map(|due| due.expected_turn).collect();
    let attempts = Work::Turn {
        expected_turn: 0,
        mode: TurnMode::Generate,
    }
    .max_attempts();
    Ok(sqlx::query!(
        "insert into backend.runtime_operation_log
             (operation_id, game_id, op, params, requested_by, run_after, max_attempts, created_at)
         select t.operation_id, t.game_id, 'turn', jsonb_build_object('expected_turn', t.turn), 'schedule', $4, $5,
             clock_timestamp()
         from unnest($1::uuid[], $2::uuid[], $3::integer[]) as t (operation_id, game_id, turn)
         where not exists (
             select 1 from backend.runtime_operation_log o
             where o.game_id = t.game_id and o.op = 'turn' and o.status in ('queued', 'running'))",
        &ids,
        &games,
        &turns,
        now,
        attempts,
    )
    .execute(connection)
    .await?
    .rows_affected())
}
