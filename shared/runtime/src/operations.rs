//! The durable queue of operations, which is also their history.
//!
//! At most one operation of a game runs at a time, and nothing overtakes its start. Whoever claims an operation holds it
//! by its lease token; a late holder's writes find no row.

use std::collections::HashSet;

use galaxy_core::{
    Cursor, GameId, LeaseToken, Limit, Op, OperationId, OperationStatus, Page, Timestamp,
};
use galaxy_service::telemetry;
use galaxy_store::{Db, ListError, Result, Topic, Tx};
use jiff::SignedDuration;
use sqlx::PgConnection;

use crate::{Work, store};

/// How long a claim lasts without renewal.
pub const LEASE: std::time::Duration = std::time::Duration::from_secs(30);

pub(crate) const LEASE_SPAN: SignedDuration =
    SignedDuration::from_secs(LEASE.as_secs().cast_signed());

/// An operation to be queued.
#[derive(Debug, Clone)]
pub struct NewOperation {
    /// The game.
    pub game_id: GameId,
    /// What to do.
    pub work: Work,
    /// Who asks: `user:<id>`, `admin:<name>` or a part of the system. 1 to 200 characters.
    pub requested_by: String,
    /// Not before this time.
    pub run_after: Timestamp,
}

/// An operation as it stands, for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its id.
    pub operation_id: OperationId,
    /// The game.
    pub game_id: GameId,
    /// What it does.
    pub op: Op,
    /// How far it is.
    pub status: OperationStatus,
    /// What it was asked with.
    pub params: serde_json::Value,
    /// Who asked.
    pub requested_by: Option<String>,
    /// Not before this time.
    pub run_after: Timestamp,
    /// Tries so far.
    pub attempt: u32,
    /// Tries at most.
    pub max_attempts: u32,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it was first tried.
    pub started_at: Option<Timestamp>,
    /// When it came to its end.
    pub finished_at: Option<Timestamp>,
    /// What went wrong last: a code, a colon, the detail.
    pub error: Option<String>,
}

/// An operation that this process holds.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Its id.
    pub operation_id: OperationId,
    /// The game.
    pub game_id: GameId,
    /// What to do.
    pub work: Work,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// Tries at most. One more than that means that the last try ended with the process it ran in.
    pub max_attempts: u32,
    /// What holds it.
    pub token: LeaseToken,
    /// The trace that asked for it.
    pub traceparent: Option<String>,
}

/// An outcome could not be written.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// Another process holds the operation by now, or it is over: nothing was written.
    #[error("the operation is no longer held")]
    NotHeld,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] galaxy_store::Error),
}

/// Queues an operation; the runtime managers are woken when the transaction commits.
pub async fn queue(tx: &mut Tx, operation: &NewOperation) -> Result<OperationId> {
    let id = OperationId::generate();
    store::queue::insert(tx, id, operation, telemetry::traceparent()).await?;
    tx.notify(Topic::Runtime);
    Ok(id)
}

/// Claims up to `room` operations that are due, or whose holder let the lease run out.
pub async fn claim(db: &Db, owner: &str, room: u32, now: Timestamp) -> Result<Vec<Claimed>> {
    store::leases::claim(db, owner, i64::from(room), now).await
}

/// Renews the lease; `false` if it is held no longer.
pub async fn renew(db: &Db, operation: &Claimed, now: Timestamp) -> Result<bool> {
    let mut connection = db.acquire().await?;
    store::leases::renew(&mut connection, operation, now).await
}

/// Gives the operation back without spending the attempt.
pub async fn release(db: &Db, operation: &Claimed, run_after: Timestamp) -> Result<bool> {
    let mut connection = db.acquire().await?;
    store::leases::release(&mut connection, operation, run_after).await
}

/// Puts the operation back for another try at `run_after`.
pub async fn retry(
    db: &Db,
    operation: &Claimed,
    error: &str,
    run_after: Timestamp,
) -> std::result::Result<(), EndError> {
    let mut connection = db.acquire().await?;
    if store::leases::retry(&mut connection, operation, error, run_after).await? {
        Ok(())
    } else {
        Err(EndError::NotHeld)
    }
}

/// Takes back what is queued for `game` and not yet begun; says how many.
pub async fn cancel(tx: &mut Tx, game: GameId, ops: &[Op], now: Timestamp) -> Result<u64> {
    store::queue::cancel(tx, game, ops, now).await
}

/// Those of `games` whose engine an operation is going to move, or is calling: what it will leave is not known yet. A
/// waiting banishment does not count, since it may itself wait for the engine.
pub async fn busy(connection: &mut PgConnection, games: &[GameId]) -> Result<HashSet<GameId>> {
    store::queue::busy(connection, games).await
}

/// One operation.
pub async fn get(connection: &mut PgConnection, id: OperationId) -> Result<Option<Operation>> {
    store::operations::get(connection, id).await
}

const LIST: &str = "runtime_operations";

/// A page of a game's operations, newest first.
pub async fn list(
    connection: &mut PgConnection,
    game: GameId,
    limit: Limit,
    cursor: Option<&str>,
) -> std::result::Result<Page<Operation>, ListError> {
    let before = Cursor::after(LIST, cursor)?;
    let rows = store::operations::list(connection, game, before, limit.probe()).await?;
    Ok(Page::cut(rows, limit, LIST, |operation| {
        (operation.created_at, operation.operation_id)
    }))
}
