//! Stopping an engine, for a while or for good. Queued turns are dropped; one being generated comes to its end first.

use galaxy_core::{GameId, Op, OperationId, RuntimeStatus, Timestamp};
use galaxy_store::Tx;

use crate::{NewOperation, Record, Work, operations, records, store};

/// The engine cannot be stopped.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The game was never started.
    #[error("the game has no runtime")]
    NotFound,
    /// There is nothing left to stop.
    #[error("the runtime is {0}")]
    WrongStatus(RuntimeStatus),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] galaxy_store::Error),
}

/// Stops the engine; [`crate::restart::request`] brings it back. The schedule stands still from the commit on.
pub async fn request(
    tx: &mut Tx,
    game: GameId,
    requested_by: &str,
    now: Timestamp,
) -> Result<OperationId, StopError> {
    let mut record = records::lock(tx, game).await?.ok_or(StopError::NotFound)?;
    if !record.status.has_engine() {
        return Err(StopError::WrongStatus(record.status));
    }
    halt(tx, &mut record, now).await?;
    queue(tx, game, Work::Stop {}, requested_by, now).await
}

/// Ends the game from outside: the engine is removed, its state is kept for operators, nothing brings it back.
pub async fn finish(
    tx: &mut Tx,
    game: GameId,
    requested_by: &str,
    now: Timestamp,
) -> Result<OperationId, StopError> {
    let mut record = records::lock(tx, game).await?.ok_or(StopError::NotFound)?;
    if record.finished_at.is_some() || record.status == RuntimeStatus::StartFailed {
        return Err(StopError::WrongStatus(record.status));
    }
    record.finished_at = Some(now);
    halt(tx, &mut record, now).await?;
    queue(tx, game, Work::Remove {}, requested_by, now).await
}

async fn halt(tx: &mut Tx, record: &mut Record, now: Timestamp) -> galaxy_store::Result<()> {
    record.next_turn_at = None;
    record.skip_next_tick = false;
    store::queue::cancel(tx, record.game_id, &[Op::Turn, Op::Restart, Op::Patch], now).await?;
    store::records::save(tx, record, now).await
}

async fn queue(
    tx: &mut Tx,
    game_id: GameId,
    work: Work,
    requested_by: &str,
    now: Timestamp,
) -> Result<OperationId, StopError> {
    let operation = NewOperation {
        game_id,
        work,
        requested_by: requested_by.to_owned(),
        run_after: now,
    };
    Ok(operations::queue(tx, &operation).await?)
}
