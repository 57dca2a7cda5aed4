//! `runtime_health_snapshots`, and which engines of a node are watched.

use galaxy_core::{EngineHealth, GameId, SnapshotId, Timestamp};
use galaxy_store::Result;
use sqlx::PgConnection;

use super::unreadable;
use crate::{
    engine::EngineAddress,
    model::{EngineToken, KEPT, Seen, Watched},
};

/// The engines of `node` that are to be reached, of games that are not over.
#[tracing::instrument(name = "db.runtime.watched_engines", level = "debug", skip_all)]
pub(crate) async fn watched(connection: &mut PgConnection, node: &str) -> Result<Vec<Watched>> {
    let rows = sqlx::query!(
        r#"select game_id as "game_id: GameId", endpoint as "endpoint!", engine_token, epoch,
               engine_health as "engine_health: EngineHealth"
           from backend.runtime_records
           where node_id = $1 and (current_container_id is not null or finished_at is null)
             and endpoint is not null and finished_at is null"#,
        node,
    )
    .fetch_all(connection)
    .await?;
    let watched = rows.into_iter().filter_map(|row| {
        Some(Watched {
            engine: EngineAddress {
                game_id: row.game_id,
                endpoint: row.endpoint.parse().ok()?,
                token: row.engine_token.map(EngineToken::stored),
            },
            epoch: row.epoch,
            health: row.engine_health,
        })
    });
    Ok(watched.collect())
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

/// The last thing seen of a game's engine.
#[tracing::instrument(name = "db.runtime.latest_snapshot", skip_all)]
pub async fn latest(connection: &mut PgConnection, game: GameId) -> Result<Option<Seen>> {
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

/// What was seen of a game's engine, newest first, with its time.
#[tracing::instrument(name = "db.runtime.snapshots", skip_all)]
pub async fn history(
    connection: &mut PgConnection,
    game: GameId,
) -> Result<Vec<(Timestamp, Seen)>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select observed_at, payload from backend.runtime_health_snapshots
           where game_id = $1 order by observed_at desc, snapshot_id desc limit $2"#,
        game.uuid(),
        KEPT,
    )
    .fetch_all(connection)
    .await?;
    let read = |row: Row| {
        Ok((
            row.observed_at,
            serde_json::from_value(row.payload).map_err(unreadable)?,
        ))
    };
    rows.into_iter().map(read).collect()
}

struct Row {
    observed_at: Timestamp,
    payload: serde_json::Value,
}
