//! Why something that somebody asks of a runtime is not done.

use galaxy_core::RuntimeStatus;

use crate::schedule::InvalidSchedule;

/// What was asked for cannot be done; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The game was never started.
    #[error("the game has no runtime")]
    NotFound,
    /// The runtime's state stands against it.
    #[error("the runtime is {0}")]
    WrongStatus(RuntimeStatus),
    /// A turn is being generated, or waits to be.
    #[error("a turn is being generated")]
    TurnInProgress,
    /// The version is unknown or disabled; without a name: none is enabled.
    #[error("no engine version {} is enabled", .0.as_deref().unwrap_or("at all"))]
    NoEngineVersion(Option<String>),
    /// Not the same major and minor version with a higher patch.
    #[error("{to} is not a patch of {from}")]
    NotAPatch {
        /// The version that runs.
        from: String,
        /// The version asked for.
        to: String,
    },
    /// The schedule is not one.
    #[error("the turn schedule {0}")]
    Schedule(#[from] InvalidSchedule),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] galaxy_store::Error),
}
