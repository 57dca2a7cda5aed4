//! How operations end: the outcome, the runtime record and the events, in one transaction, fenced by the lease and the epoch.
//!
//! Each function opens its transaction, locks the record, checks that the operation is still held, writes and commits.
//! A late holder gets [`EndError::NotHeld`] and has changed nothing.

mod banish;
mod down;
mod epoch;
mod failure;
mod node;
mod turn;
mod up;

use galaxy_core::{FailureCode, OperationStatus, Timestamp};
use galaxy_events::{catalogue::runtime::OperationFinished, outbox};
use galaxy_store::{Db, Topic, Tx};

pub use banish::banished;
pub use down::{gone, removed, stopped};
pub use epoch::{detached, epoch_raised, epoch_taken};
pub use failure::{cancelled, failed};
pub use node::mark_lost_hosts;
pub use turn::{TurnBegin, turn_begun, turn_generated, turn_superfluous};
pub use up::{Found, adopted, attached, came_up, started};

use crate::{
    model::{Claimed, EndError, Record},
    store::{leases, records},
};

type Outcome<T = ()> = std::result::Result<T, EndError>;

/// Begins the transaction of an outcome: the record is locked, the operation is held until it ends.
async fn open(db: &Db, operation: &Claimed) -> Outcome<(Tx, Record)> {
    let (tx, record, _) = open_held(db, operation).await?;
    Ok((tx, record))
}

/// The record of an operation that is still held: nobody else has made an engine for the game since.
pub async fn held_record(db: &Db, operation: &Claimed) -> Outcome<Record> {
    let (_, record) = open(db, operation).await?;
    Ok(record)
}

async fn open_held(db: &Db, operation: &Claimed) -> Outcome<(Tx, Record, leases::Held)> {
    let mut tx = db.begin().await?;
    let record = records::lock(&mut tx, operation.game_id).await?;
    let held = leases::held(&mut tx, operation).await?;
    match (record, held) {
        (Some(record), Some(held)) => Ok((tx, record, held)),
        _ => Err(EndError::NotHeld),
    }
}

/// As [`open`], for an operation that has made an engine: it must not have been withdrawn, and its epoch must be the record's.
async fn open_current(db: &Db, operation: &Claimed) -> Outcome<(Tx, Record)> {
    let (tx, record, held) = open_held(db, operation).await?;
    if held.cancel_requested {
        return Err(EndError::Withdrawn);
    }
    if held.epoch != Some(record.epoch) {
        return Err(EndError::Superseded);
    }
    Ok((tx, record))
}

/// Saves the record and ends the operation, with its event. `error` is a code and a detail.
async fn conclude(
    tx: &mut Tx,
    record: &mut Record,
    operation: &Claimed,
    status: OperationStatus,
    error: Option<(FailureCode, &str)>,
    now: Timestamp,
) -> Outcome {
    records::save(tx, record, now).await?;
    let text = error.map(|(code, detail)| format!("{code}: {detail}"));
    match leases::conclude(tx, operation, status, text.as_deref(), now).await? {
        None => return Err(EndError::NotHeld),
        // What waited for this one can be claimed from now on.
        Some(true) => tx.notify(Topic::Runtime),
        Some(false) => {}
    }
    let event = OperationFinished {
        game_id: record.game_id,
        version: record.version,
        operation_id: operation.operation_id,
        op: operation.work.op().into(),
        succeeded: status == OperationStatus::Succeeded,
        error: error.map(|(code, _)| code.into()),
    };
    outbox::append(tx, &event).await?;
    Ok(())
}
