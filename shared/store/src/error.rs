//! Failed queries and refused cursors: what a caller can tell apart, and nothing of the driver beyond.

use galaxy_core::{DependencyError, InvalidCursor};

/// The result of a store function.
pub type Result<T> = std::result::Result<T, Error>;

/// A failed query.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] sqlx::Error);

/// Why a page of a list cannot be read; the one error of every list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The cursor was not given by this list.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// The query failed.
    #[error(transparent)]
    Store(#[from] Error),
}

impl From<sqlx::Error> for ListError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Error {
    /// The connection is gone; another one may stand.
    pub(crate) fn is_lost(&self) -> bool {
        match &self.0 {
            sqlx::Error::Io(_) => true,
            // admin_shutdown, crash_shutdown
            sqlx::Error::Database(error) => error
                .code()
                .is_some_and(|code| ["57P01", "57P02"].contains(&&*code)),
            _ => false,
        }
    }

    /// The name of the constraint that refused the write, if one did. Map it to a refusal where it is caught.
    pub fn constraint(&self) -> Option<&str> {
        match &self.0 {
            sqlx::Error::Database(error) => error.constraint(),
            _ => None,
        }
    }

    /// Whether the write was refused by the unique index or key called `name`.
    pub fn is_unique_violation(&self, name: &str) -> bool {
        match &self.0 {
            sqlx::Error::Database(error) => {
                error.is_unique_violation() && error.constraint() == Some(name)
            }
            _ => false,
        }
    }
}

/// Unavailable: the database is away, full or restarting, or asks to begin the transaction anew.
impl DependencyError for Error {
    fn is_unavailable(&self) -> bool {
        match &self.0 {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_) => true,
            // class 08: connection; 53: resources; 57P0x: shut down or starting; 40: serialisation, deadlock
            sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                ["08", "53", "57P", "40"]
                    .iter()
                    .any(|class| code.starts_with(class))
            }),
            _ => false,
        }
    }
}
