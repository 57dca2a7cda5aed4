//! Restarting an engine on the state it left.

use galaxy_core::{GameId, OperationId, RuntimeStatus, Timestamp};
use galaxy_store::Tx;

use crate::{NewOperation, Work, operations, records};

/// The engine cannot be restarted.
#[derive(Debug, thiserror::Error)]
pub enum RestartError {
    /// The game was never started.
    #[error("the game has no runtime")]
    NotFound,
    /// The game is over, or never came up.
    #[error("the runtime is {0}")]
    WrongStatus(RuntimeStatus),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] galaxy_store::Error),
}

/// Queues a restart. A stopped game comes back running, or paused if it was paused.
pub async fn request(
    tx: &mut Tx,
    game_id: GameId,
    requested_by: &str,
    now: Timestamp,
) -> Result<OperationId, RestartError> {
    let record = records::lock(tx, game_id)
        .await?
        .ok_or(RestartError::NotFound)?;
    let over = record.finished_at.is_some();
    let restartable = record.status.has_engine()
        || matches!(
            record.status,
            RuntimeStatus::Stopped | RuntimeStatus::Removed
        );
    if over || !restartable {
        return Err(RestartError::WrongStatus(record.status));
    }
    let operation = NewOperation {
        game_id,
        work: Work::Restart {},
        requested_by: requested_by.to_owned(),
        run_after: now,
    };
    Ok(operations::queue(tx, &operation).await?)
}
