//! Failures of what a process depends on: the database, the broker, a batch of other callers' requests.

use std::sync::Arc;

/// The error of a dependency. It says what a caller can do, so that layers above need not know what failed.
pub trait DependencyError: std::error::Error {
    /// The dependency is away or overloaded, and the same call may succeed later.
    fn is_unavailable(&self) -> bool;
}

/// One failure that several callers share.
impl<E: DependencyError> DependencyError for Arc<E> {
    fn is_unavailable(&self) -> bool {
        E::is_unavailable(self)
    }
}
