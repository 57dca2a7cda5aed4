//! Operations, one a file: each looks at the record, moves the engine one step, and writes its end or what it waits for. Every
//! step can be repeated; nothing waits long inside one.

mod banish;
mod patch;
mod remove;
mod restart;
mod settle;
mod start;
mod stop;
mod turn;

use std::time::Duration;

use galaxy_core::FailureCode;
use galaxy_drivers::DriverError;
use galaxy_runtime::{Claimed, EndError, Record, Work, engine::EngineError, records};

use crate::Manager;

pub(crate) use settle::run;

/// What a step left to be done.
pub(crate) enum Step {
    /// Nothing: the operation's end is written.
    Done,
    /// The operation waits, without a worker.
    Wait(Wait),
}

/// What an operation waits for, and how long until it looks again by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wait {
    pub reason: String,
    pub time: Duration,
    /// Whether an engine that is being made gets its time anew afterwards.
    pub spares_engine: bool,
}

impl Wait {
    /// Looked at again in a second; events of the driver wake it before.
    pub(crate) fn soon(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            time: Duration::from_secs(1),
            spares_engine: false,
        }
    }

    /// The same, while the driver is at work: it may be busy with other engines.
    pub(crate) fn for_driver(reason: impl Into<String>) -> Self {
        Self {
            spares_engine: true,
            ..Self::soon(reason)
        }
    }
}

/// Why a step did not go through.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The engine or the driver refused; another try may go well.
    #[error("{code}: {detail}")]
    Again {
        /// For owners.
        code: FailureCode,
        /// For operators.
        detail: String,
    },
    /// What engines run on does not answer. Costs no try.
    #[error("{0}")]
    Outage(String),
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
    /// An engine of a newer epoch is there than the record knows of.
    #[error("an engine of epoch {0} is there")]
    Fenced(i64),
    /// The outcome could not be written.
    #[error(transparent)]
    End(#[from] EndError),
}

pub(crate) type Progress = Result<Step, Failure>;

impl Failure {
    pub(crate) fn again(code: FailureCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::Again { code, detail }
    }

    pub(crate) fn never(code: FailureCode, detail: impl Into<String>) -> Self {
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

impl From<DriverError> for Failure {
    fn from(error: DriverError) -> Self {
        let detail = error.to_string();
        match error {
            DriverError::Unavailable(_) | DriverError::TimedOut | DriverError::NoCapacity(_) => {
                Self::Outage(detail)
            }
            DriverError::Fenced { found } => Self::Fenced(found),
            DriverError::NoImage(_) => Self::again(FailureCode::ImagePullFailed, detail),
            DriverError::Denied(_) | DriverError::Invalid(_) => {
                Self::again(FailureCode::ContainerStartFailed, detail)
            }
        }
    }
}

impl From<galaxy_store::Error> for Failure {
    fn from(error: galaxy_store::Error) -> Self {
        Self::End(error.into())
    }
}

/// One step of the operation.
async fn step(manager: &Manager, operation: &Claimed) -> Progress {
    match &operation.work {
        Work::Start { roster } => start::run(manager, operation, roster).await,
        Work::Stop {} => stop::run(manager, operation).await,
        Work::Restart {} => restart::run(manager, operation).await,
        Work::Patch { version } => patch::run(manager, operation, version).await,
        Work::Turn {
            expected_turn,
            mode,
        } => turn::run(manager, operation, *expected_turn, *mode).await,
        Work::Banish { user_id, race_name } => {
            banish::run(manager, operation, *user_id, race_name).await
        }
        Work::Remove {} => remove::run(manager, operation).await,
    }
}

/// The game's record. Operations are queued beside it, so it is there.
async fn record(manager: &Manager, operation: &Claimed) -> Result<Record, Failure> {
    let mut connection = manager.db.acquire().await?;
    records::get(&mut connection, operation.game_id)
        .await?
        .ok_or_else(|| Failure::Obsolete("the game has no runtime".to_owned()))
}
