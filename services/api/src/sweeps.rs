//! Sweeps: periodic tasks that end or delete what has expired, in bounded batches.
//!
//! Every replica runs them; rows are claimed or read again under a lock, so the replicas share the work.

use std::{sync::LazyLock, time::Duration};

use galaxy_core::Timestamp;
use galaxy_service::telemetry::meter;
use galaxy_store::Result;
use jiff::SignedDuration;
use opentelemetry::{KeyValue, metrics::Counter};

use crate::{App, account_lifecycle, accounts, auth, lobby, throttle};

const PERIOD: Duration = Duration::from_secs(10);
/// For what expires after days.
const SLOW_PERIOD: Duration = Duration::from_mins(10);
const BATCH: i64 = 500;
/// Batches of one kind in one pass; what is left waits for the next.
const BATCHES: u32 = 20;
/// Applied events are remembered longer than the stream keeps them.
const INBOX_KEPT: SignedDuration = SignedDuration::from_hours(8 * 24);

static SWEPT: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("galaxy.sweep.rows")
        .with_description("Rows that sweeps removed or changed, by sweep")
        .build()
});

/// Sweeps until the process drains.
pub fn start(app: &App) {
    let tasks = app.process.tasks.clone();
    let (often, seldom) = (app.clone(), app.clone());
    tasks.every("sweeps", PERIOD, move || {
        let app = often.clone();
        async move { once(&app).await }
    });
    tasks.every("slow_sweeps", SLOW_PERIOD, move || {
        let app = seldom.clone();
        async move { daily(&app).await }
    });
}

/// One pass over what expires within minutes or hours.
pub async fn once(app: &App) {
    let now = app.clock.now();
    drain("entitlements", || {
        accounts::sweep::entitlements(app, now, BATCH)
    })
    .await;
    drain("sanctions", || {
        account_lifecycle::sweep::sanctions(app, now, BATCH)
    })
    .await;
    drain("limits", || accounts::sweep::limits(app, now, BATCH)).await;
    drain("enrollment", || {
        lobby::sweeps::end_enrollment(&app.db, now, BATCH)
    })
    .await;
    drain("invites", || {
        lobby::sweeps::expire_invites(&app.db, now, BATCH)
    })
    .await;
    drain("race_names", || {
        lobby::sweeps::expire_race_names(&app.db, now, BATCH)
    })
    .await;
    drain("challenges", || auth::sweep::challenges(app, now, BATCH)).await;
    drain("sent_codes", || auth::sweep::sent_codes(app, now, BATCH)).await;
    drain("throttle_counters", || throttle::sweep(&app.db, now, BATCH)).await;
}

/// One pass over what expires after days.
pub async fn daily(app: &App) {
    let now = app.clock.now();
    drain("revoked_sessions", || {
        auth::sweep::revoked_sessions(app, now, BATCH)
    })
    .await;
    drain("inbox", || {
        galaxy_events::inbox::sweep(&app.db, before(now, INBOX_KEPT), BATCH)
    })
    .await;
    let keep = app.config.outbox_keep_days;
    if let Err(error) = galaxy_events::outbox::maintain_partitions(&app.db, now, keep).await {
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
                SWEPT.add(rows, &[KeyValue::new("sweep", name)]);
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
