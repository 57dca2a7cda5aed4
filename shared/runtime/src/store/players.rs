//! `player_mappings`.

use galaxy_core::{GameId, RuntimeStatus, Timestamp, UserId};
use galaxy_store::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::uint;
use crate::{
    engine::EngineAddress,
    model::{EngineToken, PlayerMapping, Seat},
};

/// All players of a game, in no certain order.
#[tracing::instrument(name = "db.runtime.players", skip_all)]
pub async fn of_game(connection: &mut PgConnection, game: GameId) -> Result<Vec<PlayerMapping>> {
    Ok(sqlx::query_as!(
        PlayerMapping,
        r#"select user_id as "user_id: UserId", race_name, engine_player_uuid as player_id, banished_at
           from backend.player_mappings where game_id = $1"#,
        game.uuid(),
    )
    .fetch_all(connection)
    .await?)
}

/// One player of a game; `None` if the user does not play in it.
pub async fn of(
    connection: &mut PgConnection,
    game: GameId,
    user: UserId,
) -> Result<Option<PlayerMapping>> {
    Ok(seat(connection, game, user).await?.map(|seat| seat.mapping))
}

/// The player's seat; `None` if the user does not play in the game, or the game was not started.
#[tracing::instrument(name = "db.runtime.seat", skip_all)]
pub async fn seat(
    connection: &mut PgConnection,
    game: GameId,
    user: UserId,
) -> Result<Option<Seat>> {
    let row = sqlx::query!(
        r#"select p.race_name, p.engine_player_uuid, p.banished_at, r.status as "status: RuntimeStatus", r.endpoint,
               r.engine_token, r.current_turn, (r.finished_at is not null) as "finished!"
           from backend.player_mappings p join backend.runtime_records r using (game_id)
           where p.game_id = $1 and p.user_id = $2"#,
        game.uuid(),
        user.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Seat {
        mapping: PlayerMapping {
            user_id: user,
            race_name: row.race_name,
            player_id: row.engine_player_uuid,
            banished_at: row.banished_at,
        },
        status: row.status,
        engine: row
            .endpoint
            .and_then(|text| text.parse().ok())
            .map(|endpoint| EngineAddress {
                game_id: game,
                endpoint,
                token: row.engine_token.map(EngineToken::stored),
            }),
        turn: uint(row.current_turn),
        finished: row.finished,
    }))
}

/// Writes who plays what. A repeated start writes the same again. Who left while the game started has no seat.
#[tracing::instrument(name = "db.runtime.map_players", skip_all)]
pub(crate) async fn map(
    connection: &mut PgConnection,
    game: GameId,
    players: &[PlayerMapping],
) -> Result<()> {
    let users: Vec<Uuid> = players.iter().map(|player| player.user_id.uuid()).collect();
    let races: Vec<String> = players
        .iter()
        .map(|player| player.race_name.clone())
        .collect();
    let ids: Vec<Uuid> = players.iter().map(|player| player.player_id).collect();
    sqlx::query!(
        "insert into backend.player_mappings (game_id, user_id, race_name, engine_player_uuid)
         select $1, * from unnest($2::uuid[], $3::text[], $4::uuid[])
         on conflict (game_id, user_id) do update
         set race_name = excluded.race_name, engine_player_uuid = excluded.engine_player_uuid",
        game.uuid(),
        &users,
        &races,
        &ids,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "update backend.player_mappings p set banished_at = o.created_at
         from backend.runtime_operation_log o
         where p.game_id = $1 and p.banished_at is null and o.game_id = $1 and o.op = 'banish'
           and o.status in ('queued', 'running') and o.params ->> 'user_id' = p.user_id::text",
        game.uuid(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[tracing::instrument(name = "db.runtime.mark_banished", skip_all)]
pub(crate) async fn mark_banished(
    connection: &mut PgConnection,
    game: GameId,
    user: UserId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update backend.player_mappings set banished_at = $3
         where game_id = $1 and user_id = $2 and banished_at is null",
        game.uuid(),
        user.uuid(),
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}
