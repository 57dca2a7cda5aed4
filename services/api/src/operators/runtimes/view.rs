//! Runtimes and their operations in responses.

use galaxy_core::{GameId, OperationId, Timestamp};
use galaxy_runtime::{Operation, Record};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The runtime of a game: its engine and its turn schedule.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Runtime)]
pub struct RuntimeView {
    /// The game.
    pub game_id: GameId,
    /// The game's name when it was started.
    pub game_name: String,
    /// The state.
    #[schema(example = "running")]
    pub status: String,
    /// The node that its engine is on; `null` before the first start.
    pub node_id: Option<String>,
    /// Grows before each engine that is made for the game; an engine of another epoch is not this game's.
    pub epoch: i64,
    /// The driver's name of the engine.
    pub current_container_id: Option<String>,
    /// The image it runs from.
    #[schema(example = "registry.example.org/galaxy/engine:1.0.0")]
    pub image_ref: Option<String>,
    /// What the image was when the engine was made.
    pub image_digest: Option<String>,
    /// The kind of game.
    #[schema(example = "galaxy")]
    pub engine_name: String,
    /// The engine's version.
    #[schema(example = "1.0.0")]
    pub engine_version: Option<String>,
    /// The address of the engine.
    #[schema(example = "http://galaxy-game-1:8080")]
    pub endpoint: Option<String>,
    /// What the engine was given at the start of the game.
    #[schema(value_type = Object)]
    pub options: serde_json::Value,
    /// Five-field cron.
    #[schema(example = "0 18 * * 1-5")]
    pub turn_schedule: String,
    /// The IANA time zone of the schedule.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
    /// The last turn generated.
    pub current_turn: u32,
    /// When the next turn is due.
    pub next_turn_at: Option<Timestamp>,
    /// The next tick generates no turn.
    pub skip_next_tick: bool,
    /// `unknown`, `healthy`, `unreachable`, `crash_loop` or `host_lost`.
    #[schema(example = "healthy")]
    pub engine_health: String,
    /// Exit status of the engine's last end; 128 + the signal if one ended it.
    pub exit_code: Option<i32>,
    /// Whether it was killed for the memory it used.
    pub oom_killed: bool,
    /// Restarts in a row after it ended by itself.
    pub restarts: u32,
    /// The last error.
    pub last_error: Option<String>,
    /// Grows with every change.
    pub version: i64,
    /// When the game first ran.
    pub started_at: Option<Timestamp>,
    /// When the schedule was paused, if it is.
    pub paused_at: Option<Timestamp>,
    /// When the game ended.
    pub finished_at: Option<Timestamp>,
    /// When the engine was last observed.
    pub last_observed_at: Option<Timestamp>,
    /// When the record was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl From<Record> for RuntimeView {
    fn from(record: Record) -> Self {
        Self {
            game_id: record.game_id,
            game_name: record.game_name,
            status: record.status.to_string(),
            node_id: record.node_id,
            epoch: record.epoch,
            current_container_id: record.container_id,
            image_ref: record.image_ref,
            image_digest: record.image_digest,
            engine_name: record.engine_name,
            engine_version: record.engine_version,
            endpoint: record.endpoint.map(|endpoint| endpoint.to_string()),
            options: record.options.into(),
            turn_schedule: record.turn_schedule,
            time_zone: record.time_zone,
            current_turn: record.current_turn,
            next_turn_at: record.next_turn_at,
            skip_next_tick: record.skip_next_tick,
            engine_health: record.engine_health.to_string(),
            exit_code: record.exit_code,
            oom_killed: record.oom_killed,
            restarts: record.restarts,
            last_error: record.last_error,
            version: record.version,
            started_at: record.started_at,
            paused_at: record.paused_at,
            finished_at: record.finished_at,
            last_observed_at: record.last_observed_at,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}

/// An operation on a game's engine, queued, running or ended.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = RuntimeOperation)]
pub struct OperationView {
    /// Its id.
    pub operation_id: OperationId,
    /// The game.
    pub game_id: GameId,
    /// `start`, `stop`, `restart`, `patch`, `turn`, `banish` or `remove`.
    #[schema(example = "restart")]
    pub op: String,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    #[schema(example = "queued")]
    pub status: String,
    /// Its parameters.
    #[schema(value_type = Object)]
    pub params: serde_json::Value,
    /// Who asked: `user:<id>`, `admin:<name>` or a part of the system.
    #[schema(example = "admin:root")]
    pub requested_by: Option<String>,
    /// It does not run before this time.
    pub run_after: Timestamp,
    /// Tries that the engine or the driver refused.
    pub attempt: u32,
    /// Tries at most.
    pub max_attempts: u32,
    /// What it waits for, once it has begun.
    #[schema(example = "the image, 40 %")]
    pub waiting_for: Option<String>,
    /// The process that works on it.
    #[schema(example = "runtime-manager-4711")]
    pub lease_owner: Option<String>,
    /// Until when that process holds it without renewal.
    pub lease_expires_at: Option<Timestamp>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it was first tried.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The last error.
    pub error: Option<String>,
}

impl From<Operation> for OperationView {
    fn from(operation: Operation) -> Self {
        Self {
            operation_id: operation.operation_id,
            game_id: operation.game_id,
            op: operation.op.to_string(),
            status: operation.status.to_string(),
            params: operation.params,
            requested_by: operation.requested_by,
            run_after: operation.run_after,
            attempt: operation.attempt,
            max_attempts: operation.max_attempts,
            waiting_for: operation.waiting_for,
            lease_owner: operation.lease_owner,
            lease_expires_at: operation.lease_expires_at,
            created_at: operation.created_at,
            started_at: operation.started_at,
            finished_at: operation.finished_at,
            error: operation.error,
        }
    }
}
