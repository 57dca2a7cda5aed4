//! How a verb can go wrong, seen by what to do about it.

use galaxy_core::text;

/// The longest text of a driver that is kept, in characters.
const MAX_TEXT: usize = 1_000;

/// A verb that did not go through. Texts are the driver's own words, made printable, for operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DriverError {
    /// What runs the engines does not answer. Costs an operation no attempt.
    #[error("the driver does not answer: {0}")]
    Unavailable(String),
    /// An engine of a newer epoch is there: somebody else has taken the game over.
    #[error("an engine of the newer epoch {found} is there")]
    Fenced {
        /// The epoch that was found.
        found: i64,
    },
    /// The image cannot be had.
    #[error("the engine's image cannot be had: {0}")]
    NoImage(String),
    /// There is no room for the engine.
    #[error("there is no room for the engine: {0}")]
    NoCapacity(String),
    /// The driver may not do this.
    #[error("the driver is not allowed to do this: {0}")]
    Denied(String),
    /// What was asked for cannot be done, now or later.
    #[error("the driver refuses: {0}")]
    Invalid(String),
    /// The verb did not return before its deadline.
    #[error("the driver did not answer in time")]
    TimedOut,
}

/// The result of a verb.
pub type Result<T, E = DriverError> = std::result::Result<T, E>;

impl DriverError {
    /// [`Self::Unavailable`] with any error's text.
    pub fn unavailable(error: impl std::fmt::Display) -> Self {
        Self::Unavailable(printable(error))
    }

    /// [`Self::NoImage`] with any error's text.
    pub fn no_image(error: impl std::fmt::Display) -> Self {
        Self::NoImage(printable(error))
    }

    /// [`Self::NoCapacity`] with any error's text.
    pub fn no_capacity(error: impl std::fmt::Display) -> Self {
        Self::NoCapacity(printable(error))
    }

    /// [`Self::Denied`] with any error's text.
    pub fn denied(error: impl std::fmt::Display) -> Self {
        Self::Denied(printable(error))
    }

    /// [`Self::Invalid`] with any error's text.
    pub fn invalid(error: impl std::fmt::Display) -> Self {
        Self::Invalid(printable(error))
    }

    /// Whether the same verb may go well later without anybody doing anything. Costs an operation no attempt.
    pub const fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::TimedOut)
    }
}

fn printable(error: impl std::fmt::Display) -> String {
    text::printable(error.to_string().as_bytes(), MAX_TEXT)
}
