//! Deletes expired challenges, counters of sent codes and revoked sessions.

use galaxy_core::Timestamp;
use galaxy_store::{Db, Result};
use jiff::SignedDuration;

use super::{sessions, store};

const CHALLENGES_KEPT: SignedDuration = SignedDuration::from_hours(24);
const REVOKED_SESSIONS_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Removes up to `batch` challenges that expired a day ago.
pub async fn challenges(db: &Db, now: Timestamp, batch: i64) -> Result<u64> {
    let mut connection = db.acquire().await?;
    let before = now.saturating_sub(CHALLENGES_KEPT);
    store::sweep_challenges(&mut connection, before, batch).await
}

/// Deletes up to `batch` counters of sent codes whose windows are over.
pub async fn sent_codes(db: &Db, now: Timestamp, batch: i64) -> Result<u64> {
    let mut connection = db.acquire().await?;
    store::sweep_sent_codes(&mut connection, now, batch).await
}

/// Removes up to `batch` sessions that were revoked 90 days ago.
pub async fn revoked_sessions(db: &Db, now: Timestamp, batch: i64) -> Result<u64> {
    let mut connection = db.acquire().await?;
    let before = now.saturating_sub(REVOKED_SESSIONS_KEPT);
    sessions::store::sweep(&mut connection, before, batch).await
}
