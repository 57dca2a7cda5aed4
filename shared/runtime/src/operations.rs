//! The durable queue of operations, which is also their history.

use galaxy_core::{FailureCode, GameId, Op, OperationId, OperationStatus, Timestamp};
use galaxy_events::{catalogue::runtime::OperationFinished, outbox};
use galaxy_service::telemetry;
use galaxy_store::{Result, Topic, Tx};

pub use crate::store::{
    leases::{Claimer, claim, put_back, renew, wake},
    operations::{get, list, list_failed, list_overdue, open},
    queue::busy,
    upkeep::{delete_finished, waiting},
};
use crate::{
    events,
    model::{NewOperation, Record},
    store::{self, records},
};

/// Queues an operation; the runtime managers are woken when the transaction commits.
pub async fn queue(tx: &mut Tx, operation: &NewOperation) -> Result<OperationId> {
    let id = OperationId::generate();
    store::queue::insert(tx, id, operation, telemetry::traceparent()).await?;
    tx.notify(Topic::Runtime);
    Ok(id)
}

/// Ends the operations `ops` of the locked `record` that wait, with their events, and withdraws starts, restarts and patches
/// that a process works on. Gives how many were ended.
pub async fn cancel(tx: &mut Tx, record: &Record, ops: &[Op], now: Timestamp) -> Result<usize> {
    let ended = store::queue::cancel(tx, record.game_id, ops, now).await?;
    for (operation_id, op) in &ended {
        tell_cancelled(tx, record, *operation_id, *op).await?;
    }
    Ok(ended.len())
}

/// What became of a wish to cancel one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOne {
    /// It is over.
    Cancelled,
    /// It had begun: it is undone now, and then over.
    Withdrawn,
    /// A process works on it, or it is over: nothing was done.
    NotWaiting(OperationStatus),
    /// It removes the engine of a game that is over, which nobody else would: nothing was done.
    Removal,
    /// The game has no such operation.
    NotFound,
}

/// Takes one operation of the game back that is queued or parked.
pub async fn cancel_one(
    tx: &mut Tx,
    game_id: GameId,
    id: OperationId,
    now: Timestamp,
) -> Result<CancelOne> {
    let record = records::lock(tx, game_id).await?;
    let operation = get(tx, id).await?;
    let (Some(mut record), Some(operation)) = (record, operation) else {
        return Ok(CancelOne::NotFound);
    };
    if operation.game_id != game_id {
        return Ok(CancelOne::NotFound);
    }
    if operation.op == Op::Remove {
        return Ok(CancelOne::Removal);
    }
    if let Some(op) = store::queue::cancel_waiting(tx, game_id, id, now).await? {
        if record.give_up(op) {
            records::save(tx, &mut record, now).await?;
            events::snapshot_unseen(tx, &record, now).await?;
        }
        tell_cancelled(tx, &record, id, op).await?;
        tx.notify(Topic::Runtime);
        return Ok(CancelOne::Cancelled);
    }
    if store::queue::withdraw_parked(tx, game_id, id, now).await? {
        tx.notify(Topic::Runtime);
        return Ok(CancelOne::Withdrawn);
    }
    Ok(CancelOne::NotWaiting(operation.status))
}

async fn tell_cancelled(tx: &mut Tx, record: &Record, id: OperationId, op: Op) -> Result<()> {
    let event = OperationFinished {
        game_id: record.game_id,
        version: record.version,
        operation_id: id,
        op: op.into(),
        succeeded: false,
        error: Some(FailureCode::Cancelled.into()),
    };
    outbox::append(tx, &event).await?;
    Ok(())
}
