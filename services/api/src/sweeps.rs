//! Sweeps: periodic tasks that end or delete what has expired, in bounded batches.
//!
//! Every replica runs them; rows are claimed or read again under a lock, so the replicas share the work.

use std::{sync::LazyLock, time::Duration};

use galaxy_core::{Clock, Timestamp};
use galaxy_events::{inbox, outbox};
use galaxy_service::{Tasks, telemetry::ClosedCounter};
use galaxy_store::{Db, Result};
use jiff::SignedDuration;

use crate::{account_lifecycle, accounts, auth, lobby, throttle};

const PERIOD: Duration = Duration::from_secs(10);
/// For what expires after days.
const SLOW_PERIOD: Duration = Duration::from_mins(10);
const BATCH: i64 = 500;
/// Batches of one kind in one pass; what is left waits for the next.
const BATCHES: u32 = 20;
/// Applied events are remembered longer than the stream keeps them.
const INBOX_KEPT: SignedDuration = SignedDuration::from_hours(8 * 24);

static SWEPT: LazyLock<ClosedCounter<1>> = LazyLock::new(|| {
    ClosedCounter::new(
        "galaxy.sweep.rows",
        "Rows that sweeps removed or changed, by sweep",
        [("sweep", SWEEPS)],
    )
});
const SWEEPS: &[&str] = &[
    "entitlements",
    "sanctions",
    "limits",
    "enrollment",
    "invites",
    "race_names",
    "challenges",
    "sent_codes",
    "throttle_counters",
    "revoked_sessions",
    "inbox",
];

/// Sweeps until the process drains.
pub fn start(tasks: &Tasks, db: &Db, clock: &Clock, outbox_keep_days: i32) {
    LazyLock::force(&SWEPT);
    let (own, own_clock) = (db.clone(), clock.clone());
    tasks.every("sweeps", PERIOD, move || {
        let (db, now) = (own.clone(), own_clock.now());
        async move { once(&db, now).await }
    });
    let (own, own_clock) = (db.clone(), clock.clone());
    tasks.every("slow_sweeps", SLOW_PERIOD, move || {
        let (db, now) = (own.clone(), own_clock.now());
        async move { slow(&db, now, outbox_keep_days).await }
    });
}

/// One pass over what expires within minutes or hours.
pub async fn once(db: &Db, now: Timestamp) {
    drain("entitlements", || {
        accounts::sweep::entitlements(db, now, BATCH)
    })
    .await;
    drain("sanctions", || {
        account_lifecycle::sweep::sanctions(db, now, BATCH)
    })
    .await;
    drain("limits", || accounts::sweep::limits(db, now, BATCH)).await;
    drain("enrollment", || {
        lobby::sweeps::end_enrollment(db, now, BATCH)
    })
    .await;
    drain("invites", || lobby::sweeps::expire_invites(db, now, BATCH)).await;
    drain("race_names", || {
        lobby::sweeps::expire_race_names(db, now, BATCH)
    })
    .await;
    drain("challenges", || auth::sweep::challenges(db, now, BATCH)).await;
    drain("sent_codes", || auth::sweep::sent_codes(db, now, BATCH)).await;
    drain("throttle_counters", || throttle::sweep(db, now, BATCH)).await;
}

/// One pass over what expires after days.
pub async fn slow(db: &Db, now: Timestamp, outbox_keep_days: i32) {
    drain("revoked_sessions", || {
        auth::sweep::revoked_sessions(db, now, BATCH)
    })
    .await;
    drain("inbox", || inbox::sweep(db, before(now, INBOX_KEPT), BATCH)).await;
    let maintained = outbox::maintain_partitions(db, now, outbox_keep_days).await;
    if let Err(error) = maintained {
        tracing::warn!(%error, "the partitions of the outbox could not be maintained");
    }
}

fn before(now: Timestamp, kept: SignedDuration) -> Timestamp {
    now.saturating_sub(kept)
}

/// Runs `batch` until it finds less than a full batch, a bounded number of times.
async fn drain<F: Future<Output = Result<u64>>>(name: &'static str, batch: impl Fn() -> F) {
    for _ in 0..BATCHES {
        match batch().await {
            Ok(0) => return,
            Ok(rows) => {
                SWEPT.add([name], rows);
                if rows < BATCH.cast_unsigned() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(sweep = name, %error, "a sweep failed; the next pass tries again");
                return;
            }
        }
    }
}
