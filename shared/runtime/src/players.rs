//! Who plays which race of a game's engine.

use galaxy_core::{GameId, RuntimeStatus, Timestamp, UserId};
use galaxy_store::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{engine::Endpoint, store};

/// One player of a game.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayerMapping {
    /// The player.
    pub user_id: UserId,
    /// The race.
    pub race_name: String,
    /// What the engine calls the player.
    pub player_id: Uuid,
    /// When the player was put out of the game, if so.
    pub banished_at: Option<Timestamp>,
}

/// What it takes to let a player through to the engine, read in one query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// The player's race and id.
    pub mapping: PlayerMapping,
    /// The state of the game's runtime: while a turn is generated, players wait.
    pub status: RuntimeStatus,
    /// Where the engine is, if it is to be reached.
    pub endpoint: Option<Endpoint>,
    /// The current turn.
    pub turn: u32,
}

/// All players of a game, in no certain order.
pub async fn of_game(connection: &mut PgConnection, game: GameId) -> Result<Vec<PlayerMapping>> {
    store::players::of_game(connection, game).await
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
pub async fn seat(
    connection: &mut PgConnection,
    game: GameId,
    user: UserId,
) -> Result<Option<Seat>> {
    store::players::seat(connection, game, user).await
}
