//! What tidies up behind the domains: one supervised loop, bounded batches, each pass counted.
//!
//! Every replica runs them; rows are claimed or looked at again under a lock, so they share the work.

use std::{sync::LazyLock, time::Duration};

use galaxy_core::Timestamp;
use galaxy_service::telemetry::meter;
use galaxy_store::Result;
use jiff::SignedDuration;
use opentelemetry::{KeyValue, metrics::Counter};

use crate::{App, account_lifecycle, accounts, auth, lobby, throttle};

const EVERY: Duration = Duration::from_secs(10);
const BATCH: i64 = 500;
/// Batches of one kind in one pass; what is left waits for the next.
const BATCHES: u32 = 20;
/// Passes between two looks at what changes by the day.
const DAILY_EVERY: u32 = 60;
/// Applied events are remembered longer than the stream keeps them.
const INBOX_KEPT: SignedDuration = SignedDuration::from_hours(8 * 24);

static SWEPT: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("galaxy.sweep.rows")
        .with_description("Rows that sweeps removed or changed, by sweep")
        .build()
});

/// Sweeps until the process drains.
pub async fn run(app: App) {
    let draining = app.process.tasks.draining();
    let mut pass = 0_u32;
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = draining.cancelled() => return,
        }
        once(&app).await;
        if pass.is_multiple_of(DAILY_EVERY) {
            daily(&app).await;
        }
        pass = pass.wrapping_add(1);
    }
}

/// One pass over everything that runs out.
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

/// What need not be looked at more than every few minutes.
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
        tracing::warn!(%error, "the outbox's partitions could not be looked after");
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
                tracing::warn!(sweep = name, %error, "a sweep failed; it tries again");
                return;
            }
        }
    }
}
