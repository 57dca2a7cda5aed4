//! What statements of this process found wrong with the server itself.
//!
//! After a failover, connections to the old server stay open and can only read. They are closed when they are next taken from
//! the pool, so that new ones reach the server that took over. There is one state for the process: the code that
//! makes an [`Error`](crate::Error) of a failed statement notes it, and has no pool at hand.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// While the new server is not there yet, connections are replaced at most this often.
const REPLACE_INTERVAL: Duration = Duration::from_secs(1);
/// For how long a full disk makes the process unready: nobody writes then who could find that there is space again.
const DISK_FULL_FOR: Duration = Duration::from_secs(10);

/// read_only_sql_transaction
pub(crate) const READ_ONLY: &str = "25006";
/// disk_full
const DISK_FULL: &str = "53100";

static STATE: Mutex<State> = Mutex::new(State {
    read_only: None,
    disk_full: None,
});

struct State {
    /// When the server was last found to be read-only, once in an interval.
    read_only: Option<Instant>,
    disk_full: Option<Instant>,
}

/// Notes a failed statement.
pub(crate) fn note(error: &sqlx::Error) {
    let sqlx::Error::Database(error) = error else {
        return;
    };
    match error.code().as_deref() {
        Some(READ_ONLY) => note_read_only(),
        Some(DISK_FULL) => STATE.lock().disk_full = Some(Instant::now()),
        _ => {}
    }
}

/// Notes that the server was found to be read-only.
pub(crate) fn note_read_only() {
    let mut state = STATE.lock();
    if !is_recent(state.read_only, REPLACE_INTERVAL) {
        state.read_only = Some(Instant::now());
    }
}

/// Whether a connection that was opened `age` ago may be one to a server that only reads.
pub(crate) fn is_suspect(age: Duration) -> bool {
    is_recent(STATE.lock().read_only, age)
}

/// Whether a statement found the server's disk full within the last seconds.
pub(crate) fn is_disk_full() -> bool {
    is_recent(STATE.lock().disk_full, DISK_FULL_FOR)
}

fn is_recent(at: Option<Instant>, within: Duration) -> bool {
    at.is_some_and(|at| at.elapsed() < within)
}
