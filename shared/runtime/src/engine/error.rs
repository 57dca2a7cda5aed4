//! How a call of an engine can go wrong, seen by what to do about it.

use galaxy_core::FailureCode;

/// A call that did not give what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The engine refuses, in its own words (4xx). Asking again changes nothing.
    #[error("the engine refuses with {status} {code}: {message}")]
    Refused {
        /// 400 to 499.
        status: u16,
        /// The engine's code.
        code: String,
        /// The engine's message, at most 300 characters, without control characters.
        message: String,
    },
    /// Nobody answers there, or the connection broke.
    #[error("the engine cannot be reached: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("the engine did not answer in time")]
    Timeout,
    /// The engine says that it failed (5xx).
    #[error("the engine failed with {0}")]
    Failed(u16),
    /// The answer is not what the contract says, or too large.
    #[error("the engine's answer is not what the contract says: {0}")]
    Garbage(String),
}

impl EngineError {
    /// The code for operations' errors.
    pub const fn code(&self) -> FailureCode {
        match self {
            Self::Unreachable(_) => FailureCode::EngineUnreachable,
            Self::Timeout => FailureCode::EngineTimeout,
            Self::Refused { .. } | Self::Failed(_) | Self::Garbage(_) => FailureCode::EngineRefused,
        }
    }

    /// Whether the same call may go well later.
    pub const fn is_transient(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }
}
