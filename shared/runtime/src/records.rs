//! The runtime record: what runs for a game, one row a game.

use galaxy_core::{Cursor, EngineHealth, GameId, Limit, Page, RuntimeStatus, Timestamp};
use galaxy_store::{Db, ListError, Result, Tx};
use sqlx::PgConnection;

use crate::{engine::Endpoint, store};

/// A game's runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The game.
    pub game_id: GameId,
    /// Its name at the start.
    pub game_name: String,
    /// The driver's name of the engine that runs.
    pub container_id: Option<String>,
    /// The state.
    pub status: RuntimeStatus,
    /// The image the engine runs from.
    pub image_ref: Option<String>,
    /// The engine's version.
    pub engine_version: Option<String>,
    /// Where the engine is reached, while it is to be reached.
    pub endpoint: Option<Endpoint>,
    /// The seed of the game, not negative.
    pub seed: i64,
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
    /// Readings in a row that did not find the engine.
    pub missing_readings: u32,
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
    /// When the engine was last looked at.
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
}

/// The record of `game`, if it was ever started.
pub async fn get(connection: &mut PgConnection, game: GameId) -> Result<Option<Record>> {
    store::records::get(connection, game).await
}

/// The record of `game`, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, game: GameId) -> Result<Option<Record>> {
    store::records::lock(tx, game).await
}

const LIST: &str = "runtime_records";

/// A page of records, newest first, of one status or of all.
pub async fn list(
    connection: &mut PgConnection,
    status: Option<RuntimeStatus>,
    limit: Limit,
    cursor: Option<&str>,
) -> std::result::Result<Page<Record>, ListError> {
    let before = Cursor::after(LIST, cursor)?;
    let rows = store::records::list(connection, status, before, limit.probe()).await?;
    Ok(Page::cut(rows, limit, LIST, |record| {
        (record.created_at, record.game_id)
    }))
}

/// Up to `limit` records whose engine is, or should be, somewhere, after `after` in the order of game ids.
pub async fn with_engines(
    connection: &mut PgConnection,
    after: Option<GameId>,
    limit: u32,
) -> Result<Vec<Record>> {
    store::records::with_engines(connection, after, i64::from(limit)).await
}

/// Notes how many readings in a row did not find the game's engine. No change of the runtime itself.
pub async fn note_missing(db: &Db, game: GameId, readings: u32) -> Result<()> {
    let mut connection = db.acquire().await?;
    store::records::note_missing(&mut connection, game, readings).await
}
