//! What was seen of engines.

use galaxy_core::{EngineHealth, GameStage};
use galaxy_events::catalogue::runtime::PlayerSnapshot;
use serde::{Deserialize, Serialize};

use crate::engine::EngineAddress;

/// Snapshots kept of each game.
pub const KEPT: i64 = 100;

/// An engine to be watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// How it is called.
    pub engine: EngineAddress,
    /// Its epoch.
    pub epoch: i64,
    /// What is written of its health.
    pub health: EngineHealth,
}

/// What was seen of an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The turn.
    pub turn: u32,
    /// How far the game has come.
    pub stage: GameStage,
    /// What the probe found.
    pub engine_health: EngineHealth,
    /// All players.
    pub players: Vec<PlayerSnapshot>,
}
