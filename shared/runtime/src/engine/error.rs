//! How a call of an engine can go wrong, seen by what to do about it.

use galaxy_core::FailureCode;

/// A call that did not give what was asked for. Texts of engines are printable and bounded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The engine refuses, in its own words (4xx). Asking again changes nothing.
    #[error("the engine refuses with {status} {code}: {message}")]
    Refused {
        /// 400 to 499.
        status: u16,
        /// The engine's code, at most 64 characters.
        code: String,
        /// The engine's message, at most 300 characters.
        message: String,
    },
    /// Another engine is at this address: it does not know the token (401), or plays another game (421).
    #[error("another engine is at this address")]
    WrongEngine,
    /// Nobody answers there, or the connection broke.
    #[error("the engine cannot be reached: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("the engine did not answer in time")]
    Timeout,
    /// The engine asks to be asked again later (408, 425, 429).
    #[error("the engine is busy, it answers with {0}")]
    Busy(u16),
    /// The engine says that it failed (5xx).
    #[error("the engine failed with {status}: {message}")]
    Failed {
        /// 500 to 599.
        status: u16,
        /// The engine's message, at most 300 characters.
        message: String,
    },
    /// The answer is not what the contract says.
    #[error("the engine's answer is not what the contract says: {0}")]
    Garbage(String),
    /// The answer has more bytes than are taken.
    #[error("the engine's answer is larger than {0} bytes")]
    TooLarge(usize),
}

impl EngineError {
    /// The code for operations' errors.
    pub const fn code(&self) -> FailureCode {
        match self {
            Self::Unreachable(_) | Self::WrongEngine => FailureCode::EngineUnreachable,
            Self::Timeout => FailureCode::EngineTimeout,
            Self::Refused { .. }
            | Self::Busy(_)
            | Self::Failed { .. }
            | Self::Garbage(_)
            | Self::TooLarge(_) => FailureCode::EngineRefused,
        }
    }

    /// Whether the same call may go well later.
    pub const fn is_transient(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }

    /// Whether the engine is not there, so that it must be brought up before it can be asked again.
    pub const fn is_absence(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::WrongEngine)
    }
}
