//! The durable queue of operations, which is also their history.

use galaxy_core::Timestamp;
use galaxy_core::{FailureCode, Op, OperationId};
use galaxy_events::{catalogue::runtime::OperationFinished, outbox};
use galaxy_service::telemetry;
use galaxy_store::{Result, Topic, Tx};

pub use crate::store::{
    leases::{Claimer, claim, put_back, renew, wake},
    operations::{get, list, open},
    queue::busy,
};
use crate::{
    model::{NewOperation, Record},
    store,
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
        let event = OperationFinished {
            game_id: record.game_id,
            version: record.version,
            operation_id: *operation_id,
            op: (*op).into(),
            succeeded: false,
            error: Some(FailureCode::Cancelled.into()),
        };
        outbox::append(tx, &event).await?;
    }
    Ok(ended.len())
}
