//! The runtime record: what runs for a game, one row a game.

use galaxy_core::{Endpoint, EngineHealth, GameId, Op, RuntimeStatus, Timestamp};

use serde_json::{Map, Value};

use super::EngineToken;
use crate::engine::EngineAddress;

/// A game's runtime.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The game.
    pub game_id: GameId,
    /// Its name at the start.
    pub game_name: String,
    /// The node that its engine is on; `None` before the first start.
    pub node_id: Option<String>,
    /// Grows before each engine that is made for the game; an engine of another epoch is not this game's.
    pub epoch: i64,
    /// The driver's name of the engine that runs.
    pub container_id: Option<String>,
    /// The state.
    pub status: RuntimeStatus,
    /// The image the engine runs from.
    pub image_ref: Option<String>,
    /// What the image was when the engine was made.
    pub image_digest: Option<String>,
    /// The kind of game; a game keeps its own.
    pub engine_name: String,
    /// The engine's version.
    pub engine_version: Option<String>,
    /// Where the engine is reached, while it is to be reached.
    pub endpoint: Option<Endpoint>,
    /// What the engine of this epoch asks of its callers.
    pub engine_token: Option<EngineToken>,
    /// The seed of the game, not negative.
    pub seed: i64,
    /// What `init` is given, as the version's schema takes them.
    pub options: Map<String, Value>,
    /// Five-field cron.
    pub turn_schedule: String,
    /// Of the schedule, an IANA name.
    pub time_zone: String,
    /// The last turn generated.
    pub current_turn: u32,
    /// When the next one is due; `None` while the schedule stands still.
    pub next_turn_at: Option<Timestamp>,
    /// The next tick passes without a turn.
    pub skip_next_tick: bool,
    /// What the probe found.
    pub engine_health: EngineHealth,
    /// Complete listings in a row that did not show the engine.
    pub missing_readings: u32,
    /// Since when they do not.
    pub missing_since: Option<Timestamp>,
    /// Exit status of the engine's last end; 128 + the signal if one ended it.
    pub exit_code: Option<i32>,
    /// Whether it was killed for the memory it used.
    pub oom_killed: bool,
    /// Restarts in a row after it ended by itself.
    pub restarts: u32,
    /// The last of them.
    pub restarted_at: Option<Timestamp>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// Grows with every change.
    pub version: i64,
    /// When the game first ran.
    pub started_at: Option<Timestamp>,
    /// Since when the schedule stands still by somebody's wish or by a failure.
    pub paused_at: Option<Timestamp>,
    /// When the game came to its end.
    pub finished_at: Option<Timestamp>,
    /// When the engine last answered.
    pub last_observed_at: Option<Timestamp>,
    /// When the record was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Record {
    /// The status of a game whose engine is there: what it was paused or failed for still counts.
    pub(crate) fn resting_status(&self) -> RuntimeStatus {
        if self.finished_at.is_some() {
            RuntimeStatus::Finished
        } else if self.paused_at.is_some() {
            RuntimeStatus::Paused
        } else {
            RuntimeStatus::Running
        }
    }

    /// How the engine is called, while it is to be reached.
    pub fn engine(&self) -> Option<EngineAddress> {
        Some(self.engine_at(self.endpoint.clone()?))
    }

    /// How the engine of the record's epoch is called at `endpoint`, where the driver sees it.
    pub fn engine_at(&self, endpoint: Endpoint) -> EngineAddress {
        EngineAddress {
            game_id: self.game_id,
            endpoint,
            token: self.engine_token.clone(),
        }
    }

    /// Whether somebody removed the engine although the game goes on: it may be found again.
    pub const fn is_lost(&self) -> bool {
        matches!(self.status, RuntimeStatus::Removed) && self.finished_at.is_none()
    }

    /// Notes that the engine is there and answers.
    pub(crate) fn attach(&mut self, up: &EngineUp, now: Timestamp) {
        self.container_id = Some(up.container_id.clone());
        self.endpoint = Some(up.endpoint.clone());
        self.image_ref = Some(up.image_ref.clone());
        self.image_digest = Some(up.image_digest.clone());
        self.engine_version = Some(up.engine_version.clone());
        self.engine_health = EngineHealth::Healthy;
        self.missing_readings = 0;
        self.missing_since = None;
        self.last_error = None;
        self.last_observed_at = Some(now);
    }

    /// Becomes what it is without the operation `op`, which ended before it did anything: a start leaves `start_failed`, a turn
    /// leaves the game as it rests. Gives whether anything changed.
    pub(crate) fn give_up(&mut self, op: Op) -> bool {
        match (op, self.status) {
            (Op::Start, RuntimeStatus::Starting) => {
                self.status = RuntimeStatus::StartFailed;
                self.container_id = None;
                self.detach();
            }
            (Op::Turn, RuntimeStatus::GenerationInProgress) => self.status = self.resting_status(),
            _ => return false,
        }
        true
    }

    /// Notes that no engine is to be reached.
    pub(crate) fn detach(&mut self) {
        self.endpoint = None;
        self.engine_health = EngineHealth::Unknown;
        self.missing_readings = 0;
        self.missing_since = None;
    }
}

/// An engine that came up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineUp {
    /// The driver's name of it.
    pub container_id: String,
    /// Where it is reached.
    pub endpoint: Endpoint,
    /// What it runs from.
    pub image_ref: String,
    /// What that was.
    pub image_digest: String,
    /// Its version.
    pub engine_version: String,
}
