//! What happened in the engines.

use galaxy_core::{
    EngineHealth, FailureCode, GameId, GameStage, Incident, Op, OpenEnum, OperationId,
    RuntimeStatus, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An operation on an engine came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationFinished {
    /// The game.
    pub game_id: GameId,
    /// The runtime record's version; older ones than already seen are ignored.
    pub version: i64,
    /// The operation.
    pub operation_id: OperationId,
    /// `start`, `stop`, `restart`, `patch`, `turn`, `banish` or `remove`.
    #[schema(value_type = String)]
    pub op: OpenEnum<Op>,
    /// Whether it did what it was to do.
    pub succeeded: bool,
    /// Why not, as a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub error: Option<OpenEnum<FailureCode>>,
}

/// How a player stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlayerSnapshot {
    /// The player.
    pub user_id: UserId,
    /// The player's race.
    pub race_name: String,
    /// Planets held.
    pub planets: u32,
    /// Population of all of them.
    pub population: u64,
    /// The most planets ever held.
    pub max_planets: u32,
    /// The most population ever.
    pub max_population: u64,
    /// Planets at the start.
    pub initial_planets: u32,
    /// Population at the start.
    pub initial_population: u64,
    /// Whether the player is still in the game.
    pub active: bool,
}

/// The state of a game's runtime after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuntimeSnapshot {
    /// The game.
    pub game_id: GameId,
    /// The runtime record's version; older ones than already seen are ignored.
    pub version: i64,
    /// The turn the engine is on.
    pub turn: u32,
    /// `created`, `running` or `finished`.
    #[schema(value_type = String)]
    pub stage: OpenEnum<GameStage>,
    /// The runtime record's status.
    #[schema(value_type = String)]
    pub runtime_status: OpenEnum<RuntimeStatus>,
    /// `unknown`, `healthy`, `unreachable`, `crash_loop` or `host_lost`.
    #[schema(value_type = String)]
    pub engine_health: OpenEnum<EngineHealth>,
    /// When the next turn is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_turn_at: Option<Timestamp>,
    /// All players.
    pub players: Vec<PlayerSnapshot>,
}

/// A new turn can be played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TurnGenerated {
    /// The game.
    pub game_id: GameId,
    /// The runtime record's version; older ones than already seen are ignored.
    pub version: i64,
    /// Its name.
    pub game_name: String,
    /// The new turn's number.
    pub turn: u32,
    /// The active members at that time, 64 at most.
    pub member_user_ids: Vec<UserId>,
}

/// A turn could not be generated, and the game stands still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GenerationFailed {
    /// The game.
    pub game_id: GameId,
    /// The runtime record's version; older ones than already seen are ignored.
    pub version: i64,
    /// Its name.
    pub game_name: String,
    /// The turn that failed.
    pub turn: u32,
    /// Why, as a code.
    #[schema(value_type = String)]
    pub error: OpenEnum<FailureCode>,
    /// What went wrong, for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The version of the engine that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_version: Option<String>,
}

/// An engine stopped answering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EngineUnreachable {
    /// The game.
    pub game_id: GameId,
    /// The runtime record's version; older ones than already seen are ignored.
    pub version: i64,
    /// Its name.
    pub game_name: String,
}

/// An engine answers again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EngineRecovered {
    /// The game.
    pub game_id: GameId,
    /// The runtime record's version; older ones than already seen are ignored.
    pub version: i64,
    /// Its name.
    pub game_name: String,
}

/// Something befell an engine without anybody asking for it. Its owner and operators are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EngineIncident {
    /// The game.
    pub game_id: GameId,
    /// The runtime record's version; older ones than already seen are ignored.
    pub version: i64,
    /// Its name.
    pub game_name: String,
    /// `crash_loop`, `hung_replaced`, `host_lost`, `gone`, `patch_failed` or `restart_failed`.
    #[schema(value_type = String)]
    pub incident: OpenEnum<Incident>,
    /// The version that runs, or should run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_version: Option<String>,
    /// What went wrong, for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Exit status of the engine's last end; 128 + the signal if one ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Whether it was killed for the memory it used.
    #[serde(default)]
    pub oom_killed: bool,
    /// The end of its log, for operators; printable, 2,000 characters at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// The engine says that the game is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuntimeGameFinished {
    /// The game.
    pub game_id: GameId,
    /// The runtime record's version; older ones than already seen are ignored.
    pub version: i64,
    /// The last turn.
    pub turn: u32,
    /// How all players ended.
    pub players: Vec<PlayerSnapshot>,
}
