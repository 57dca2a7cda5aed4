//! Failed queries and refused cursors, as far as callers distinguish them; driver errors stay inside.

use galaxy_core::{DependencyError, InvalidCursor};

/// The result of a store function.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a query gives no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The query failed.
    #[error(transparent)]
    Query(#[from] sqlx::Error),
    /// The query succeeded, but its result is one that the schema and the statements before it rule out.
    #[error("an unexpected result of a query: {0}")]
    Unexpected(&'static str),
}

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
    /// The connection is gone; another one may work.
    pub(crate) fn is_lost(&self) -> bool {
        match self {
            Self::Query(sqlx::Error::Io(_)) => true,
            // admin_shutdown, crash_shutdown
            Self::Query(sqlx::Error::Database(error)) => error
                .code()
                .is_some_and(|code| ["57P01", "57P02"].contains(&&*code)),
            _ => false,
        }
    }

    /// The name of the constraint that refused the write, if one did. Map it to a refusal where it is caught.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Query(sqlx::Error::Database(error)) => error.constraint(),
            _ => None,
        }
    }

    /// Whether the write was refused by the unique index or key called `name`.
    pub fn is_unique_violation(&self, name: &str) -> bool {
        match self {
            Self::Query(sqlx::Error::Database(error)) => {
                error.is_unique_violation() && error.constraint() == Some(name)
            }
            _ => false,
        }
    }
}

/// Unavailable: the database is away, full or restarting, or asks for the transaction to be repeated.
impl DependencyError for Error {
    fn is_unavailable(&self) -> bool {
        let Self::Query(error) = self else {
            return false;
        };
        match error {
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
