//! Operations on a game's engine: asked for, held, over.

use galaxy_core::{GameId, LeaseToken, Op, OperationId, OperationStatus, Timestamp};
use jiff::SignedDuration;

use super::Work;

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
    /// Tries that the engine or the driver refused.
    pub attempt: u32,
    /// Tries at most.
    pub max_attempts: u32,
    /// What it waits for, once it has begun.
    pub waiting_for: Option<String>,
    /// Which process works on it.
    pub lease_owner: Option<String>,
    /// Until when it holds it without renewal.
    pub lease_expires_at: Option<Timestamp>,
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
    /// Which try this is, from 1. A try that was interrupted, or that had to wait, is not counted.
    pub attempt: u32,
    /// Tries at most.
    pub max_attempts: u32,
    /// What holds it.
    pub token: LeaseToken,
    /// The trace that asked for it.
    pub traceparent: Option<String>,
    /// When it was first tried.
    pub started_at: Timestamp,
    /// It was parked: this is not the first step of the try.
    pub resumed: bool,
    /// The epoch that it took for the engine it makes, and when.
    pub epoch: Option<(i64, Timestamp)>,
    /// It is not wanted any more: what it has done is to be undone.
    pub cancel_requested: bool,
}

/// How a holder gives an operation back to the queue.
#[derive(Debug, Clone, Copy)]
pub enum PutBack<'a> {
    /// It waits for something; nothing else of its game runs meanwhile.
    Park {
        /// For operators.
        waiting_for: &'a str,
    },
    /// What engines run on does not answer, or is not done: as [`Self::Park`], and an engine that it makes gets its time anew.
    Outage {
        /// For operators.
        waiting_for: &'a str,
    },
    /// The engine or the driver refused: the try counts, and the next one begins afresh.
    Refused {
        /// A code, a colon, the detail.
        error: &'a str,
    },
    /// The holder's process drains.
    Drain,
}

/// An outcome could not be written.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// Another process holds the operation by now, or it is over: nothing was written.
    #[error("the operation is no longer held")]
    NotHeld,
    /// Somebody has withdrawn the operation: it is to be undone.
    #[error("the operation was withdrawn")]
    Withdrawn,
    /// The engine is another epoch's by now: nothing was written.
    #[error("the engine was taken over under a newer epoch")]
    Superseded,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] galaxy_store::Error),
}
