//! Turns beside the schedule: forced, tried again, or taken from the engine as they are.

use galaxy_core::{GameId, Op, OperationId, RuntimeStatus, Timestamp};
use galaxy_store::{Result, Tx};

use crate::{
    model::{NewOperation, Record, RequestError, TurnMode, Work},
    operations,
    store::{self, records},
};

/// Queues a turn for now. The next tick of the schedule passes, so that players do not get two in a period.
pub async fn force_next(
    tx: &mut Tx,
    game_id: GameId,
    requested_by: &str,
    now: Timestamp,
) -> std::result::Result<OperationId, RequestError> {
    let mut record = lock_without_turn(tx, game_id).await?;
    if !record.status.is_playing() {
        return Err(RequestError::WrongStatus(record.status));
    }
    record.skip_next_tick = true;
    records::save(tx, &mut record, now).await?;
    Ok(queue(tx, &record, TurnMode::Generate, requested_by, now).await?)
}

/// Queues the turn that failed once more. The schedule goes on standing still until somebody resumes it.
pub async fn retry(
    tx: &mut Tx,
    game_id: GameId,
    requested_by: &str,
    now: Timestamp,
) -> std::result::Result<OperationId, RequestError> {
    let record = lock_without_turn(tx, game_id).await?;
    if record.status != RuntimeStatus::GenerationFailed {
        return Err(RequestError::WrongStatus(record.status));
    }
    Ok(queue(tx, &record, TurnMode::Retry, requested_by, now).await?)
}

/// Queues that whatever turn the engine is on becomes the game's: for an engine that is ahead of, or behind, the record.
pub async fn take_engines(
    tx: &mut Tx,
    game_id: GameId,
    requested_by: &str,
    now: Timestamp,
) -> std::result::Result<OperationId, RequestError> {
    let record = lock_without_turn(tx, game_id).await?;
    if !record.status.has_engine() || record.finished_at.is_some() {
        return Err(RequestError::WrongStatus(record.status));
    }
    Ok(queue(tx, &record, TurnMode::Take, requested_by, now).await?)
}

/// Queues a look whether the engine has the turn whose answer was lost, so that it does not cost the next period.
pub(crate) async fn recognise(tx: &mut Tx, record: &Record, now: Timestamp) -> Result<()> {
    if !store::queue::is_open(tx, record.game_id, Op::Turn).await? {
        queue(tx, record, TurnMode::Recognise, "runtime", now).await?;
    }
    Ok(())
}

async fn lock_without_turn(
    tx: &mut Tx,
    game_id: GameId,
) -> std::result::Result<Record, RequestError> {
    let record = records::lock(tx, game_id)
        .await?
        .ok_or(RequestError::NotFound)?;
    if record.status == RuntimeStatus::GenerationInProgress
        || store::queue::is_open(tx, game_id, Op::Turn).await?
    {
        return Err(RequestError::TurnInProgress);
    }
    Ok(record)
}

async fn queue(
    tx: &mut Tx,
    record: &Record,
    mode: TurnMode,
    requested_by: &str,
    now: Timestamp,
) -> Result<OperationId> {
    let operation = NewOperation {
        game_id: record.game_id,
        work: Work::Turn {
            expected_turn: record.current_turn + 1,
            mode,
        },
        requested_by: requested_by.to_owned(),
        run_after: now,
    };
    operations::queue(tx, &operation).await
}
