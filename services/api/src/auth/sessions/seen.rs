//! When sessions were used: noted in memory, written behind in batches, at most once a minute for each.

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
/// Sessions remembered at most; what goes beyond is not noted until the next flush.
const MOST: usize = 100_000;

/// What was seen and when.
#[derive(Default)]
pub struct Seen(Mutex<HashMap<DeviceSessionId, Note>>);

#[derive(Clone, Copy)]
struct Note {
    at: Timestamp,
    written: bool,
}

impl Seen {
    /// Notes that a session was used. A note of less than a minute ago stands.
    pub fn note(&self, id: DeviceSessionId, now: Timestamp) {
        let mut notes = self.lock();
        let fresh = notes
            .get(&id)
            .is_some_and(|note| now.duration_since(note.at) < SignedDuration::from_mins(1));
        if !fresh && (notes.len() < MOST || notes.contains_key(&id)) {
            notes.insert(
                id,
                Note {
                    at: now,
                    written: false,
                },
            );
        }
    }

    /// What is not written yet. Notes that have had their minute go.
    fn take(&self, now: Timestamp) -> Vec<(DeviceSessionId, Timestamp)> {
        let mut notes = self.lock();
        let mut taken = vec![];
        notes.retain(|id, note| {
            if !note.written {
                note.written = true;
                taken.push((*id, note.at));
            }
            now.duration_since(note.at) < SignedDuration::from_mins(1)
        });
        taken
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceSessionId, Note>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what was seen, now.
pub async fn flush(sessions: &Sessions) -> galaxy_store::Result<u64> {
    let mut written = 0;
    for part in sessions.seen.take(sessions.clock.now()).chunks(BATCH) {
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
                tracing::warn!(%error, "when sessions were used could not be written");
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_taken_for_writing_once_a_minute() {
        let (seen, id, start) = (
            Seen::default(),
            DeviceSessionId::generate(),
            Timestamp::UNIX_EPOCH,
        );
        let later = |seconds| start + SignedDuration::from_secs(seconds);
        seen.note(id, start);
        assert_eq!(seen.take(later(1)), [(id, start)]);
        seen.note(id, later(30));
        assert_eq!(seen.take(later(31)), []);
        seen.note(id, later(60));
        assert_eq!(seen.take(later(61)), [(id, later(60))]);
        assert_eq!(seen.take(later(200)), []);
        assert!(seen.lock().is_empty(), "old notes go");
    }
}
