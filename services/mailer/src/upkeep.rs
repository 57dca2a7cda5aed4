//! Periodic work beside sending: expires mails that are too late, erases old bodies, measures the queue.

use std::{sync::Arc, time::Duration};

use galaxy_core::Clock;
use galaxy_mail::{depth::depth, sweep};
use galaxy_service::{Process, telemetry::meter};
use galaxy_store::{Db, Result};
use opentelemetry::metrics::Gauge;
use tokio_util::sync::CancellationToken;

const PERIOD: Duration = Duration::from_secs(15);
/// Rows in one statement.
const BATCH: u32 = 500;

struct Upkeep {
    db: Db,
    clock: Clock,
    draining: CancellationToken,
    retention: Duration,
    depth: Gauge<u64>,
    age: Gauge<f64>,
}

/// Starts the periodic task; `retention` is how long bodies of finished mails are kept.
pub fn start(process: &Process, db: &Db, retention: Duration) {
    let upkeep = Arc::new(Upkeep {
        db: db.clone(),
        clock: process.clock.clone(),
        draining: process.tasks.draining(),
        retention,
        depth: meter()
            .u64_gauge("galaxy.mail.queue.depth")
            .with_description("Mails that are queued or being sent, counted up to 100,000")
            .build(),
        age: meter()
            .f64_gauge("galaxy.mail.queue.age")
            .with_unit("s")
            .with_description("How long the oldest due mail has been due")
            .build(),
    });
    process.tasks.every("upkeep", PERIOD, move || {
        let upkeep = upkeep.clone();
        async move {
            if let Err(error) = upkeep.run().await {
                tracing::warn!(%error, "the upkeep of the mail queue failed; trying again");
            }
        }
    });
}

impl Upkeep {
    async fn run(&self) -> Result<()> {
        let depth = depth(&self.db).await?;
        self.depth.record(depth.open.cast_unsigned(), &[]);
        self.age.record(depth.oldest_due_seconds, &[]);
        while !self.draining.is_cancelled() {
            let before = self.clock.now() - self.retention;
            let expired = sweep::expire(&self.db, BATCH.into()).await?;
            let erased = sweep::erase_bodies(&self.db, before, BATCH.into()).await?;
            if expired.max(erased) < u64::from(BATCH) {
                break;
            }
        }
        Ok(())
    }
}
