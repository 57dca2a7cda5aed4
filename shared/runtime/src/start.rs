//! Starting a game: its runtime record and the operation `start`, in the caller's transaction.

use galaxy_core::{GameId, OperationId, RuntimeStatus, Timestamp, entropy};
use galaxy_store::Tx;

use crate::{
    NewOperation, RosterEntry, Schedule, Work, operations, records, schedule::InvalidSchedule,
    store, store::records::Beginning, versions,
};

/// What to start.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// The game.
    pub game_id: GameId,
    /// Its name, which events tell.
    pub game_name: String,
    /// The version to run, which must be enabled; `None`: the newest enabled.
    pub engine_version: Option<String>,
    /// Five-field cron.
    pub turn_schedule: String,
    /// Of the schedule, an IANA name.
    pub time_zone: String,
    /// The players, at least one.
    pub roster: Vec<RosterEntry>,
    /// Who asks: `user:<id>`, `admin:<name>` or a part of the system.
    pub requested_by: String,
}

/// A start that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The game was started before.
    #[error("the game's runtime is {0} already")]
    AlreadyThere(RuntimeStatus),
    /// The version is unknown or disabled, or none is enabled.
    #[error("no engine version {} is enabled", .0.as_deref().unwrap_or("at all"))]
    NoEngineVersion(Option<String>),
    /// The schedule is not one.
    #[error("the turn schedule {0}")]
    Schedule(#[from] InvalidSchedule),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] galaxy_store::Error),
}

/// Queues the start. The game is up when `runtime.operation_finished` says so.
pub async fn request(
    tx: &mut Tx,
    request: &StartRequest,
    now: Timestamp,
) -> Result<OperationId, StartError> {
    request.turn_schedule.parse::<Schedule>()?;
    let version = match &request.engine_version {
        Some(version) => versions::enabled(tx, version).await?,
        None => versions::newest_enabled(tx).await?,
    }
    .ok_or_else(|| StartError::NoEngineVersion(request.engine_version.clone()))?;
    let beginning = Beginning {
        game: request.game_id,
        game_name: &request.game_name,
        image_ref: &version.image_ref,
        engine_version: &version.version,
        seed: i64::from_be_bytes(entropy::bytes(&mut entropy::rng())) & i64::MAX,
        turn_schedule: &request.turn_schedule,
        time_zone: &request.time_zone,
    };
    if !store::records::begin(tx, &beginning, now).await? {
        let status = records::get(tx, request.game_id)
            .await?
            .map_or(RuntimeStatus::Removed, |record| record.status);
        return Err(StartError::AlreadyThere(status));
    }
    let operation = NewOperation {
        game_id: request.game_id,
        work: Work::Start {
            roster: request.roster.clone(),
        },
        requested_by: request.requested_by.clone(),
        run_after: now,
    };
    Ok(operations::queue(tx, &operation).await?)
}
