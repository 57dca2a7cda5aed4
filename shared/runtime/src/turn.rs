//! Forcing a turn: one runs now, and the next tick of the schedule passes, so that players do not get two in a period.

use galaxy_core::{GameId, Op, OperationId, RuntimeStatus, Timestamp};
use galaxy_store::Tx;

use crate::{NewOperation, Work, operations, records, store};

/// The turn cannot be forced.
#[derive(Debug, thiserror::Error)]
pub enum ForceError {
    /// The game was never started.
    #[error("the game has no runtime")]
    NotFound,
    /// The game does not run.
    #[error("the runtime is {0}")]
    WrongStatus(RuntimeStatus),
    /// One is being generated, or waits to be.
    #[error("a turn is being generated")]
    TurnInProgress,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] galaxy_store::Error),
}

/// Queues a turn for now.
pub async fn force_next(
    tx: &mut Tx,
    game_id: GameId,
    requested_by: &str,
    now: Timestamp,
) -> Result<OperationId, ForceError> {
    let mut record = records::lock(tx, game_id)
        .await?
        .ok_or(ForceError::NotFound)?;
    if record.status == RuntimeStatus::GenerationInProgress
        || store::queue::is_open(tx, game_id, Op::Turn).await?
    {
        return Err(ForceError::TurnInProgress);
    }
    if !record.status.is_playing() {
        return Err(ForceError::WrongStatus(record.status));
    }
    record.skip_next_tick = true;
    store::records::save(tx, &mut record, now).await?;
    let operation = NewOperation {
        game_id,
        work: Work::Turn {
            expected_turn: record.current_turn + 1,
        },
        requested_by: requested_by.to_owned(),
        run_after: now,
    };
    Ok(operations::queue(tx, &operation).await?)
}
