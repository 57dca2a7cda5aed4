//! Games: read, locked, written.

use galaxy_core::{EngineHealth, GameId, RuntimeStatus, Timestamp, UserId};
use galaxy_events::catalogue::runtime::{PlayerSnapshot, RuntimeSnapshot};
use galaxy_store::{Result, Tx};
use sqlx::{PgConnection, types::Json};
use tracing::instrument;

use crate::lobby::game::Game;

/// A query for games: `select <all columns> from backend.games g <rest>`, checked like any other.
macro_rules! games {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            $crate::lobby::game::Game,
            r#"select g.game_id, g.owner_user_id, g.game_name, g.description,
                      g.visibility as "visibility: _", g.status as "status: _",
                      g.min_players, g.max_players, g.approved_count, g.enrollment_ends_at, g.turn_schedule,
                      g.time_zone, g.engine_name, g.target_engine_version, g.options, g.version, g.start_failure, g.pause_reason,
                      g.current_turn, g.runtime_status, g.next_turn_at, g.engine_health, g.created_at,
                      g.updated_at, g.started_at, g.finished_at, g.handed_over_at
               from backend.games g "# + $rest,
            $($argument),*
        )
    };
}
pub(super) use games;

/// The game, without a check of the caller.
#[instrument(name = "db.lobby.game", skip_all, fields(%game_id))]
pub async fn find(connection: &mut PgConnection, game_id: GameId) -> Result<Option<Game>> {
    Ok(games!("where g.game_id = $1", game_id.uuid())
        .fetch_optional(connection)
        .await?)
}

/// The game, locked until the transaction ends: changes of one game wait for each other.
#[instrument(name = "db.lobby.lock_game", skip_all, fields(%game_id))]
pub async fn lock(tx: &mut Tx, game_id: GameId) -> Result<Option<Game>> {
    Ok(
        games!("where g.game_id = $1 for no key update", game_id.uuid())
            .fetch_optional(&mut **tx)
            .await?,
    )
}

/// What ties a player to a game.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ties {
    /// An active member.
    pub member: bool,
    /// Holds an open invite.
    pub invited: bool,
}

/// What ties `user_id` to the game at `now`.
#[instrument(name = "db.lobby.ties", skip_all, fields(%game_id, %user_id))]
pub async fn ties(
    connection: &mut PgConnection,
    game_id: GameId,
    user_id: UserId,
    now: Timestamp,
) -> Result<Ties> {
    Ok(sqlx::query_as!(
        Ties,
        r#"select exists (select from backend.memberships
                          where game_id = $1 and user_id = $2 and status = 'active') as "member!",
                  exists (select from backend.invites where game_id = $1 and invited_user_id = $2
                          and status = 'created' and expires_at > $3) as "invited!""#,
        game_id.uuid(),
        user_id.uuid(),
        now,
    )
    .fetch_one(connection)
    .await?)
}

/// Writes a new game.
#[instrument(name = "db.lobby.insert_game", skip_all, fields(game_id = %game.game_id))]
pub async fn insert(tx: &mut Tx, game: &Game) -> Result<()> {
    sqlx::query!(
        "insert into backend.games
             (game_id, owner_user_id, game_name, description, visibility, status, min_players, max_players,
              enrollment_ends_at, turn_schedule, time_zone, target_engine_version, version, created_at, updated_at,
              engine_name, options)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15, $16)",
        game.game_id.uuid(),
        game.owner_user_id.uuid(),
        game.game_name,
        game.description,
        game.visibility as _,
        game.status as _,
        game.min_players,
        game.max_players,
        game.enrollment_ends_at,
        game.turn_schedule,
        game.time_zone,
        game.target_engine_version,
        game.version,
        game.created_at,
        game.engine_name,
        game.options,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Writes all that changes in a game, if its version is still the one that was read, and raises it.
#[instrument(name = "db.lobby.save_game", skip_all, fields(game_id = %game.game_id))]
pub async fn save(tx: &mut Tx, game: &mut Game, now: Timestamp) -> Result<()> {
    let saved = sqlx::query!(
        "update backend.games
         set status = $3, game_name = $4, description = $5, visibility = $6, min_players = $7, max_players = $8,
             approved_count = $9, enrollment_ends_at = $10, turn_schedule = $11, time_zone = $12,
             target_engine_version = $13, start_failure = $14, pause_reason = $15, started_at = $16,
             finished_at = $17, handed_over_at = $18, updated_at = $19, engine_name = $20, options = $21,
             version = version + 1
         where game_id = $1 and version = $2",
        game.game_id.uuid(),
        game.version,
        game.status as _,
        game.game_name,
        game.description,
        game.visibility as _,
        game.min_players,
        game.max_players,
        game.approved_count,
        game.enrollment_ends_at,
        game.turn_schedule,
        game.time_zone,
        game.target_engine_version,
        game.start_failure,
        game.pause_reason,
        game.started_at,
        game.finished_at,
        game.handed_over_at,
        now,
        game.engine_name,
        game.options,
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    if saved != 1 {
        return Err(galaxy_store::Error::Unexpected(
            "the locked game is not there to be saved",
        ));
    }
    game.version += 1;
    game.updated_at = now;
    Ok(())
}

/// Takes over the runtime's view if it is newer than the one there. `false`: it was not, or there is no such game.
///
/// A status or health that this version does not know is stored as null: the columns hold only known ones.
#[instrument(name = "db.lobby.save_runtime_view", skip_all, fields(game_id = %view.game_id, version = view.version))]
pub async fn save_runtime_view(
    tx: &mut Tx,
    view: &RuntimeSnapshot,
    now: Timestamp,
) -> Result<bool> {
    let saved = sqlx::query!(
        "update backend.games
         set current_turn = $3, runtime_status = $4, next_turn_at = $5, engine_health = $6,
             runtime_snapshot = coalesce($7, runtime_snapshot), runtime_version = $2, version = version + 1,
             updated_at = $8
         where game_id = $1 and runtime_version < $2",
        view.game_id.uuid(),
        view.version,
        i32::try_from(view.turn).unwrap_or(i32::MAX),
        view.runtime_status.known().map(RuntimeStatus::as_str),
        view.next_turn_at,
        view.engine_health.known().map(EngineHealth::as_str),
        players_column(&view.players) as _,
        now,
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    Ok(saved == 1)
}

/// Whether the newest view of the runtime is of a later version than `version`, and its schedule goes on in it.
#[instrument(name = "db.lobby.is_failure_past", skip_all, fields(%game_id, version))]
pub async fn is_failure_past(tx: &mut Tx, game_id: GameId, version: i64) -> Result<bool> {
    let past = sqlx::query_scalar!(
        r#"select runtime_version > $2 and coalesce(runtime_status, '') not in ('generation_failed', 'paused') as "past!"
           from backend.games where game_id = $1"#,
        game_id.uuid(),
        version,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(past.unwrap_or(false))
}

/// A snapshot without players (the engine did not answer) leaves those of the last one.
fn players_column(players: &[PlayerSnapshot]) -> Option<Json<Players<'_>>> {
    (!players.is_empty()).then_some(Json(Players { players }))
}

#[derive(serde::Serialize)]
struct Players<'a> {
    players: &'a [PlayerSnapshot],
}

#[derive(serde::Deserialize)]
struct StoredPlayers {
    players: Vec<PlayerSnapshot>,
}

/// The players of the last snapshot; none if there was none.
#[instrument(name = "db.lobby.snapshot_players", skip_all, fields(%game_id))]
pub async fn snapshot_players(tx: &mut Tx, game_id: GameId) -> Result<Vec<PlayerSnapshot>> {
    let stored = sqlx::query_scalar!(
        r#"select runtime_snapshot as "players: Json<StoredPlayers>" from backend.games where game_id = $1"#,
        game_id.uuid(),
    )
    .fetch_optional(&mut **tx)
    .await?
    .flatten();
    Ok(stored.map(|stored| stored.0.players).unwrap_or_default())
}

/// Games of the owner that are neither finished nor cancelled.
#[instrument(name = "db.lobby.count_owned", skip_all, fields(%user_id))]
pub async fn count_owned(tx: &mut Tx, user_id: UserId) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from backend.games
           where owner_user_id = $1 and status not in ('finished', 'cancelled')"#,
        user_id.uuid(),
    )
    .fetch_one(&mut **tx)
    .await?)
}
