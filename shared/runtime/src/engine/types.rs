//! What is said to and by an engine about the whole game.

use galaxy_core::{GameId, GameStage};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// What a new game is made from.
#[derive(Debug, Clone, Serialize)]
pub struct Init<'a> {
    /// The game.
    pub game_id: GameId,
    /// Not negative. The same seed, roster and orders give the same game.
    pub seed: i64,
    /// In the order of the roster.
    pub races: Vec<Race<'a>>,
    /// As the version's schema takes them. Not sent if there are none: engines without options do not know the field.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub options: &'a Map<String, Value>,
}

/// One race of the roster.
#[derive(Debug, Clone, Serialize)]
pub struct Race<'a> {
    /// Unique in the game.
    pub race_name: &'a str,
}

/// A game in brief.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineStatus {
    /// The game.
    pub game_id: GameId,
    /// Turns generated so far.
    pub turn: u32,
    /// How far it has come.
    pub stage: GameStage,
    /// In the order of the roster.
    pub players: Vec<PlayerStatus>,
    /// A turn is being generated in the background.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub generating: bool,
    /// Why the turn that was generated in the background is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<TurnFailure>,
    /// What the engine can do beside what it must.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
}

/// Why a turn could not be generated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnFailure {
    /// The engine's own words.
    pub message: String,
}

/// What an engine answers when it is asked for a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnAnswer {
    /// It is there.
    Generated(EngineStatus),
    /// It is being generated: the status will say when it is there.
    Accepted,
}

/// One race in brief.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayerStatus {
    /// The race.
    pub race_name: String,
    /// What the engine calls the player.
    pub player_id: Uuid,
    /// Planets held.
    pub planets: u32,
    /// Population of these.
    pub population: u64,
    /// The most planets ever held.
    pub max_planets: u32,
    /// The most population ever.
    pub max_population: u64,
    /// Planets at the start.
    pub initial_planets: u32,
    /// Population at the start.
    pub initial_population: u64,
    /// Neither eliminated nor banished.
    pub active: bool,
}
