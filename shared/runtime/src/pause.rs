//! Pausing and resuming the turn schedule. The engine goes on running, so that players can look around.

use galaxy_core::{EngineHealth, GameId, Op, RuntimeStatus, Timestamp};
use galaxy_store::{Topic, Tx};

use crate::{Record, records, schedule, store};

/// The schedule cannot be paused or resumed.
#[derive(Debug, thiserror::Error)]
pub enum PauseError {
    /// The game was never started.
    #[error("the game has no runtime")]
    NotFound,
    /// Its state does not allow it.
    #[error("the runtime is {0}")]
    WrongStatus(RuntimeStatus),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] galaxy_store::Error),
}

/// Stops the schedule and drops a turn that waits; one being generated comes to its end first. Gives the record as it
/// stands afterwards; pausing what is paused changes nothing.
pub async fn pause(tx: &mut Tx, game: GameId, now: Timestamp) -> Result<Record, PauseError> {
    let mut record = records::lock(tx, game).await?.ok_or(PauseError::NotFound)?;
    match record.status {
        RuntimeStatus::Paused | RuntimeStatus::GenerationFailed => return Ok(record),
        status if status.is_playing() => {}
        status => return Err(PauseError::WrongStatus(status)),
    }
    let dropped = store::queue::cancel(tx, game, &[Op::Turn], now).await?;
    if record.status != RuntimeStatus::GenerationInProgress || dropped > 0 {
        record.status = RuntimeStatus::Paused;
    }
    record.paused_at = record.paused_at.or(Some(now));
    record.next_turn_at = None;
    record.skip_next_tick = false;
    store::records::save(tx, &mut record, now).await?;
    Ok(record)
}

/// Lets the schedule go on: the next turn is the next tick after `now`. Gives the record as it stands afterwards.
pub async fn resume(tx: &mut Tx, game: GameId, now: Timestamp) -> Result<Record, PauseError> {
    let mut record = records::lock(tx, game).await?.ok_or(PauseError::NotFound)?;
    match record.status {
        RuntimeStatus::Paused | RuntimeStatus::GenerationFailed => {
            record.status = if record.engine_health == EngineHealth::Unreachable {
                RuntimeStatus::EngineUnreachable
            } else {
                RuntimeStatus::Running
            };
        }
        RuntimeStatus::GenerationInProgress if record.paused_at.is_some() => {}
        status => return Err(PauseError::WrongStatus(status)),
    }
    record.paused_at = None;
    record.last_error = None;
    record.next_turn_at = schedule::next_turn(&record.turn_schedule, &record.time_zone, now);
    store::records::save(tx, &mut record, now).await?;
    tx.notify(Topic::Runtime);
    Ok(record)
}
