//! Failed queries and refused cursors, as far as callers distinguish them; driver errors stay inside.

use galaxy_core::{DependencyError, InvalidCursor};

use crate::{
    connections::{ACQUIRE_TIMEOUT, NoConnection},
    server_state,
};

/// The result of a store function.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a query gives no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The query failed.
    #[error(transparent)]
    Query(sqlx::Error),
    /// There was no connection in time.
    #[error("no connection within {seconds} s: {0}", seconds = ACQUIRE_TIMEOUT.as_secs())]
    NoConnection(NoConnection),
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

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        server_state::note(&error);
        Self::Query(error)
    }
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

    /// Postgres does not accept the role or its password.
    pub(crate) fn is_refused_login(&self) -> bool {
        match self {
            Self::Query(sqlx::Error::Database(error)) => error
                .code()
                .is_some_and(|code| ["28P01", "28000"].contains(&&*code)),
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

/// What Postgres says when the same call may succeed later, as codes or their beginnings.
const UNAVAILABLE: [&str; 11] = [
    "08",    // connection
    "53",    // resources: disk, memory, connections
    "57P",   // shut down, starting, terminated
    "40",    // serialisation, deadlock
    "58",    // the system beneath it: input and output
    "25006", // read-only, after a failover
    "25P03", // the transaction was left alone for too long
    "55P03", // waited too long for a lock
    "57014", // took too long
    "28P01", "28000", // the password is being changed
];

/// Unavailable: the database is away, full, read-only or restarting, a limit of time was reached, or the transaction is to be
/// repeated.
impl DependencyError for Error {
    fn is_unavailable(&self) -> bool {
        let error = match self {
            Self::Query(error) => error,
            Self::NoConnection(_) => return true,
            Self::Unexpected(_) => return false,
        };
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_) => true,
            sqlx::Error::Database(error) => error
                .code()
                .is_some_and(|code| UNAVAILABLE.iter().any(|known| code.starts_with(known))),
            _ => false,
        }
    }
}
