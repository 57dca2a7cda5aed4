//! `runtime_health_snapshots`, and the probe's columns of `runtime_records`.

use galaxy_core::{EngineHealth, GameId, SnapshotId, Timestamp};
use galaxy_store::Result;
use sqlx::PgConnection;

use super::{int, uint, unreadable};
use crate::health::{KEPT, Probe, Seen};

/// Games that a due probe may take: their engine is there and no operation is moving it.
#[tracing::instrument(name = "db.runtime.claim_probes", level = "debug", skip_all)]
pub(crate) async fn claim(
    connection: &mut PgConnection,
    before: Timestamp,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<Probe>> {
    let rows = sqlx::query!(
        r#"with due as (
             select game_id from backend.runtime_records
             where endpoint is not null and finished_at is null
               and (last_observed_at is null or last_observed_at <= $1)
             order by last_observed_at nulls first, game_id limit $2 for update skip locked)
         update backend.runtime_records r set last_observed_at = $3
         from due where r.game_id = due.game_id
         returning r.game_id as "game_id: GameId", r.endpoint as "endpoint!",
             r.engine_health as "engine_health: EngineHealth", r.missed_probes"#,
        before,
        limit,
        now,
    )
    .fetch_all(connection)
    .await?;
    let probes = rows.into_iter().filter_map(|row| {
        Some(Probe {
            game_id: row.game_id,
            endpoint: row.endpoint.parse().ok()?,
            health: row.engine_health,
            missed: uint(row.missed_probes),
        })
    });
    Ok(probes.collect())
}

#[tracing::instrument(name = "db.runtime.set_missed_probes", skip_all)]
pub(crate) async fn set_missed(
    connection: &mut PgConnection,
    game: GameId,
    missed: u32,
) -> Result<()> {
    sqlx::query!(
        "update backend.runtime_records set missed_probes = $2 where game_id = $1",
        game.uuid(),
        int(missed),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps a snapshot and lets those beyond the last [`KEPT`] go.
#[tracing::instrument(name = "db.runtime.insert_snapshot", skip_all)]
pub(crate) async fn insert(
    connection: &mut PgConnection,
    game: GameId,
    seen: &Seen,
    now: Timestamp,
) -> Result<()> {
    let payload = serde_json::to_value(seen).map_err(unreadable)?;
    sqlx::query!(
        "insert into backend.runtime_health_snapshots (snapshot_id, game_id, observed_at, payload)
         values ($1, $2, $3, $4)",
        SnapshotId::generate().uuid(),
        game.uuid(),
        now,
        payload,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "delete from backend.runtime_health_snapshots where game_id = $1 and snapshot_id in
             (select snapshot_id from backend.runtime_health_snapshots where game_id = $1
              order by observed_at desc, snapshot_id desc offset $2)",
        game.uuid(),
        KEPT,
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[tracing::instrument(name = "db.runtime.latest_snapshot", skip_all)]
pub(crate) async fn latest(connection: &mut PgConnection, game: GameId) -> Result<Option<Seen>> {
    let payload = sqlx::query_scalar!(
        "select payload from backend.runtime_health_snapshots where game_id = $1
         order by observed_at desc, snapshot_id desc limit 1",
        game.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(payload
        .map(serde_json::from_value)
        .transpose()
        .map_err(unreadable)?)
}
