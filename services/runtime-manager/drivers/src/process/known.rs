//! What this process remembers of processes: nothing that could not be found out again.

use std::collections::HashMap;

use galaxy_core::Timestamp;
use parking_lot::Mutex;

use super::procfs::ProcessId;

/// What was found out about processes that ran when they were last looked at.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<ProcessId, Facts>>);

#[derive(Debug, Default)]
struct Facts {
    watched: bool,
    port: Option<u16>,
    kill_at: Option<Timestamp>,
}

impl Known {
    /// Whether nobody waits for the end of `process` yet; from now on the caller does.
    pub(super) fn begin_watch(&self, process: &ProcessId) -> bool {
        let mut known = self.0.lock();
        let facts = known.entry(process.clone()).or_default();
        !std::mem::replace(&mut facts.watched, true)
    }

    /// Whether nobody kills `process` at `at` or before; from now on the caller does.
    pub(super) fn begin_kill(&self, process: &ProcessId, at: Timestamp) -> bool {
        let mut known = self.0.lock();
        let facts = known.entry(process.clone()).or_default();
        let earlier = facts.kill_at.is_none_or(|planned| at < planned);
        if earlier {
            facts.kill_at = Some(at);
        }
        earlier
    }

    /// The port at which `process` was seen to listen.
    pub(super) fn port(&self, process: &ProcessId) -> Option<u16> {
        self.0.lock().get(process)?.port
    }

    pub(super) fn set_port(&self, process: &ProcessId, port: u16) {
        self.0.lock().entry(process.clone()).or_default().port = Some(port);
    }

    pub(super) fn forget(&self, process: &ProcessId) {
        self.0.lock().remove(process);
    }
}
