//! How a game's engine is called.

use galaxy_core::{Endpoint, GameId};

use crate::model::EngineToken;

/// Where the engine of a game is, and what it asks of its callers.
///
/// Every call names its game, so that another engine on a reused address refuses it and changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineAddress {
    /// The game.
    pub game_id: GameId,
    /// Where.
    pub endpoint: Endpoint,
    /// What it asks; none for engines that were started before tokens.
    pub token: Option<EngineToken>,
}
