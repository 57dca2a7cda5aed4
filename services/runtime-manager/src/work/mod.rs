//! Operations, one a file: each looks at the record, moves the engine, and writes its end. Every step can be repeated.

mod banish;
mod patch;
mod remove;
mod restart;
mod start;
mod stop;
mod turn;

use galaxy_core::{FailureCode, Op};
use std::time::Duration;

use galaxy_core::Timestamp;
use galaxy_runtime::{
    Record, Work,
    engine::EngineError,
    operations::{self, Claimed, EndError},
    outcome, records,
};
use galaxy_service::Backoff;
use jiff::SignedDuration;

use crate::{Manager, drivers::DriverError, engines::BringUpError};

const BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));

/// Why a try did not end the operation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Another try may go well.
    #[error("{code}: {detail}")]
    Again {
        /// For owners.
        code: FailureCode,
        /// For operators.
        detail: String,
    },
    /// No other try will go well.
    #[error("{code}: {detail}")]
    Never {
        /// For owners.
        code: FailureCode,
        /// For operators.
        detail: String,
    },
    /// The operation is not wanted any more.
    #[error("not wanted any more: {0}")]
    Obsolete(String),
    /// The outcome could not be written.
    #[error(transparent)]
    End(#[from] EndError),
}

type Done = Result<(), Failure>;

impl Failure {
    fn again(code: FailureCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::Again { code, detail }
    }

    fn never(code: FailureCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::Never { code, detail }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        if error.is_transient() {
            Self::again(error.code(), error.to_string())
        } else {
            Self::never(error.code(), error.to_string())
        }
    }
}

impl From<BringUpError> for Failure {
    fn from(error: BringUpError) -> Self {
        let code = match &error {
            BringUpError::Driver(DriverError::Image(_)) => FailureCode::ImagePullFailed,
            BringUpError::Driver(_) => FailureCode::ContainerStartFailed,
            BringUpError::Unhealthy(_) => FailureCode::EngineUnhealthy,
        };
        Self::again(code, error.to_string())
    }
}

impl From<DriverError> for Failure {
    fn from(error: DriverError) -> Self {
        BringUpError::from(error).into()
    }
}

impl From<galaxy_store::Error> for Failure {
    fn from(error: galaxy_store::Error) -> Self {
        Self::End(error.into())
    }
}

/// Works on one operation and settles what became of it.
pub(crate) async fn run(manager: &Manager, operation: &Claimed) {
    let began = tokio::time::Instant::now();
    let tried = try_once(manager, operation).await;
    let outcome = match settle(manager, operation, tried).await {
        Ok(outcome) => outcome,
        Err(EndError::NotHeld) => {
            manager.metrics.lease_lost();
            tracing::warn!("the operation was taken over by another process");
            "lost"
        }
        Err(EndError::Store(error)) => {
            tracing::warn!(%error, "the outcome cannot be written; the operation is repeated");
            put_back(manager, operation, &error).await;
            "unwritten"
        }
    };
    let op = operation.work.op();
    manager.metrics.operation(op, outcome, began.elapsed());
}

/// After a failure of the database: another try soon, or, if even that cannot be written, when the lease runs out.
async fn put_back(manager: &Manager, operation: &Claimed, error: &galaxy_store::Error) {
    let error = format!("{}: {error}", FailureCode::Internal);
    let run_after = later(manager, operation);
    if let Err(error) = operations::retry(&manager.db, operation, &error, run_after).await {
        tracing::warn!(%error, "the operation cannot be put back; its lease runs out");
    }
}

/// When to try again.
fn later(manager: &Manager, operation: &Claimed) -> Timestamp {
    let wait = BACKOFF.delay(operation.attempt);
    manager.clock.now() + SignedDuration::try_from(wait).unwrap_or_default()
}

async fn try_once(manager: &Manager, operation: &Claimed) -> Done {
    if operation.attempt > operation.max_attempts {
        let detail = "the process that worked on it ended each time";
        return Err(Failure::never(FailureCode::Internal, detail));
    }
    match &operation.work {
        Work::Start { roster } => start::run(manager, operation, roster).await,
        Work::Stop {} => stop::run(manager, operation).await,
        Work::Restart {} => restart::run(manager, operation).await,
        Work::Patch { version } => patch::run(manager, operation, version).await,
        Work::Turn { expected_turn } => turn::run(manager, operation, *expected_turn).await,
        Work::Banish { user_id, race_name } => {
            banish::run(manager, operation, *user_id, race_name).await
        }
        Work::Remove {} => remove::run(manager, operation).await,
    }
}

/// Writes what is still to be written: another try, the end as failed, or as not wanted.
async fn settle(
    manager: &Manager,
    operation: &Claimed,
    tried: Done,
) -> Result<&'static str, EndError> {
    let (db, now) = (&manager.db, manager.clock.now());
    match tried {
        Ok(()) => {
            tracing::info!("the operation succeeded");
            Ok("succeeded")
        }
        Err(Failure::End(error)) => Err(error),
        Err(Failure::Obsolete(why)) => {
            tracing::info!(why, "the operation is not wanted any more");
            outcome::cancelled(db, operation, &why, now).await?;
            Ok("cancelled")
        }
        Err(again @ Failure::Again { .. }) if operation.attempt < operation.max_attempts => {
            let run_after = later(manager, operation);
            tracing::warn!(error = %again, %run_after, "the operation did not go through; trying again");
            clean_up(manager, operation).await;
            operations::retry(db, operation, &again.to_string(), run_after).await?;
            Ok("retried")
        }
        Err(Failure::Again { code, detail } | Failure::Never { code, detail }) => {
            tracing::error!(%code, detail, "the operation failed");
            clean_up(manager, operation).await;
            outcome::failed(db, operation, code, &detail, manager.clock.now()).await?;
            Ok("failed")
        }
    }
}

/// A start that did not go through leaves nothing behind: the next one begins afresh.
async fn clean_up(manager: &Manager, operation: &Claimed) {
    if operation.work.op() == Op::Start {
        start::undo(manager, operation).await;
    }
}

/// The game's record. Operations are queued beside it, so it is there.
async fn record(manager: &Manager, operation: &Claimed) -> Result<Record, Failure> {
    let mut connection = manager.db.acquire().await?;
    records::get(&mut connection, operation.game_id)
        .await?
        .ok_or_else(|| Failure::Obsolete("the game has no runtime".to_owned()))
}
