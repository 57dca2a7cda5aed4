//! When sessions were last used: recorded in memory and written in batches, at most once a minute for each session.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use galaxy_core::{DeviceSessionId, Timestamp};
use galaxy_service::{Schedule, Tasks};
use jiff::SignedDuration;
use uuid::Uuid;

use super::{Sessions, store};

const FLUSH_PERIOD: Duration = Duration::from_secs(1);
const BATCH: usize = 1_000;
/// Sessions in memory at most; others are not recorded until the next flush.
const CAPACITY: usize = 100_000;

/// Sessions that were used, with the time.
#[derive(Default)]
pub struct LastSeen(Mutex<HashMap<DeviceSessionId, Entry>>);

#[derive(Clone, Copy)]
struct Entry {
    at: Timestamp,
    written: bool,
}

impl LastSeen {
    /// Records that a session was used. An entry of less than a minute ago stays as it is.
    pub fn record(&self, id: DeviceSessionId, now: Timestamp) {
        let mut entries = self.lock();
        let fresh = entries
            .get(&id)
            .is_some_and(|entry| now.duration_since(entry.at) < SignedDuration::from_mins(1));
        if !fresh && (entries.len() < CAPACITY || entries.contains_key(&id)) {
            entries.insert(
                id,
                Entry {
                    at: now,
                    written: false,
                },
            );
        }
    }

    /// Takes what is not written yet, and drops entries older than a minute.
    fn take(&self, now: Timestamp) -> Vec<(DeviceSessionId, Timestamp)> {
        let mut entries = self.lock();
        let mut taken = vec![];
        entries.retain(|id, entry| {
            if !entry.written {
                entry.written = true;
                taken.push((*id, entry.at));
            }
            now.duration_since(entry.at) < SignedDuration::from_mins(1)
        });
        taken
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceSessionId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what is in memory, now.
pub async fn flush(sessions: &Sessions) -> galaxy_store::Result<u64> {
    let mut written = 0;
    for part in sessions.last_seen.take(sessions.clock.now()).chunks(BATCH) {
        let ids: Vec<Uuid> = part.iter().map(|(id, _)| id.uuid()).collect();
        let at: Vec<_> = part.iter().map(|(_, at)| *at).collect();
        let mut connection = sessions.db.acquire().await?;
        written += store::write_seen(&mut connection, &ids, &at).await?;
    }
    Ok(written)
}

/// Writes every second and once more when the process drains. A failed write loses the last minute, no more.
pub fn start(tasks: &Tasks, sessions: &Sessions) {
    let sessions = sessions.clone();
    let schedule = Schedule::period(FLUSH_PERIOD).with_final_run();
    tasks.every("seen", schedule, move || {
        let sessions = sessions.clone();
        async move {
            if let Err(error) = flush(&sessions).await {
                tracing::warn!(%error, "the last uses of sessions could not be written");
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_taken_for_writing_once_a_minute() {
        let (last_seen, id, start) = (
            LastSeen::default(),
            DeviceSessionId::generate(),
            Timestamp::UNIX_EPOCH,
        );
        let later = |seconds| start + SignedDuration::from_secs(seconds);
        last_seen.record(id, start);
        assert_eq!(last_seen.take(later(1)), [(id, start)]);
        last_seen.record(id, later(30));
        assert_eq!(last_seen.take(later(31)), []);
        last_seen.record(id, later(60));
        assert_eq!(last_seen.take(later(61)), [(id, later(60))]);
        assert_eq!(last_seen.take(later(200)), []);
        assert!(last_seen.lock().is_empty(), "old entries are dropped");
    }
}
