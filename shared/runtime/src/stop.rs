//! Stopping an engine, for a while or for good. Queued turns are dropped; one being generated comes to its end first.

use galaxy_core::{GameId, Op, OperationId, RuntimeStatus, Timestamp};
use galaxy_store::Tx;

use crate::{
    model::{NewOperation, Record, RequestError, Work},
    operations,
    store::records,
};

/// Stops the engine; [`crate::restart::request`] brings it back. The schedule stands still from the commit on.
pub async fn request(
    tx: &mut Tx,
    game: GameId,
    requested_by: &str,
    now: Timestamp,
) -> Result<OperationId, RequestError> {
    let mut record = records::lock(tx, game)
        .await?
        .ok_or(RequestError::NotFound)?;
    if !record.status.has_engine() {
        return Err(RequestError::WrongStatus(record.status));
    }
    let dropped = [Op::Turn, Op::Restart, Op::Patch];
    halt(tx, &mut record, &dropped, now).await?;
    queue(tx, game, Work::Stop {}, requested_by, now).await
}

/// Ends the game from outside: the engine is removed, its state is kept for operators, nothing brings it back. A start that
/// is under way is withdrawn; what a game that never began has left is removed with its state.
pub async fn finish(
    tx: &mut Tx,
    game: GameId,
    requested_by: &str,
    now: Timestamp,
) -> Result<OperationId, RequestError> {
    let mut record = records::lock(tx, game)
        .await?
        .ok_or(RequestError::NotFound)?;
    if record.finished_at.is_some() || record.status == RuntimeStatus::StartFailed {
        return Err(RequestError::WrongStatus(record.status));
    }
    record.finished_at = Some(now);
    let dropped = [
        Op::Start,
        Op::Turn,
        Op::Restart,
        Op::Patch,
        Op::Stop,
        Op::Banish,
    ];
    halt(tx, &mut record, &dropped, now).await?;
    queue(tx, game, Work::Remove {}, requested_by, now).await
}

/// Nothing else is to happen to the engine: the schedule stands still, operations that wait are dropped.
async fn halt(
    tx: &mut Tx,
    record: &mut Record,
    dropped: &[Op],
    now: Timestamp,
) -> galaxy_store::Result<()> {
    record.next_turn_at = None;
    record.skip_next_tick = false;
    records::save(tx, record, now).await?;
    operations::cancel(tx, record, dropped, now).await?;
    Ok(())
}

async fn queue(
    tx: &mut Tx,
    game_id: GameId,
    work: Work,
    requested_by: &str,
    now: Timestamp,
) -> Result<OperationId, RequestError> {
    let operation = NewOperation {
        game_id,
        work,
        requested_by: requested_by.to_owned(),
        run_after: now,
    };
    Ok(operations::queue(tx, &operation).await?)
}
