//! Why a call has no answer.

use std::time::Duration;

/// Why a call has no answer. After [`Error::Unreachable`], [`Error::Timeout`] and [`Error::TooLarge`] the server may have
/// carried the request out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The method, the URI or a header is not valid; nothing was sent.
    #[error("the request is not valid: {0}")]
    Invalid(#[from] http::Error),
    /// There is no connection, or it broke before the whole answer was read. The text names every cause.
    #[error("{0}")]
    Unreachable(String),
    /// The deadline passed before the whole answer was read.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The answer's body has more bytes than are read.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

impl Error {
    pub(crate) fn unreachable(error: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(Some(error), |error| error.source());
        let causes: Vec<String> = causes.map(ToString::to_string).collect();
        Self::Unreachable(causes.join(": "))
    }
}

impl From<hyper_util::client::legacy::Error> for Error {
    fn from(error: hyper_util::client::legacy::Error) -> Self {
        Self::unreachable(&error)
    }
}
