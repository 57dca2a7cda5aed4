//! Why something that somebody asks of a runtime is not done.

use galaxy_core::RuntimeStatus;

use crate::{options::OptionProblem, schedule::InvalidSchedule};

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
    /// More or fewer players than the version takes.
    #[error("{players} players do not fit {version}, which takes {min} to {max}")]
    PlayerLimits {
        /// Who would play.
        players: usize,
        /// The version, as `name@1.0.0`.
        version: String,
        /// The fewest it takes.
        min: i32,
        /// The most it takes.
        max: i32,
    },
    /// The options are not those of the version.
    #[error("the options do not fit {version}")]
    Options {
        /// The version, as `name@1.0.0`.
        version: String,
        /// What is wrong.
        problems: Vec<OptionProblem>,
    },
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
