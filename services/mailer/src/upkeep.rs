//! What the mailer does beside sending: forgets old texts, ends what is too late, measures the queue.

use std::time::Duration;

use galaxy_mail::{depth::depth, sweep};
use galaxy_service::{Process, telemetry::meter};
use galaxy_store::{Db, Result};
use opentelemetry::metrics::Gauge;

/// Time between two rounds.
const PERIOD: Duration = Duration::from_secs(15);
/// Rows in one statement.
const BATCH: u32 = 500;

struct Upkeep {
    db: Db,
    process: Process,
    retention: Duration,
    open: Gauge<u64>,
    oldest: Gauge<f64>,
}

/// Starts the loop; `retention` is how long texts of finished mails are kept.
pub fn start(process: &Process, db: &Db, retention: Duration) {
    let (db, process_) = (db.clone(), process.clone());
    process.tasks.supervise("upkeep", move || {
        let upkeep = Upkeep {
            db: db.clone(),
            process: process_.clone(),
            retention,
            open: meter()
                .u64_gauge("galaxy.mail.queue.depth")
                .with_description("Mails that are not over yet, counted up to 100,000")
                .build(),
            oldest: meter()
                .f64_gauge("galaxy.mail.queue.age")
                .with_unit("s")
                .with_description("How long the mail that has been due longest has waited")
                .build(),
        };
        async move { upkeep.run().await }
    });
}

impl Upkeep {
    async fn run(&self) {
        let draining = self.process.tasks.draining();
        loop {
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "the upkeep of mails failed; trying again");
            }
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                () = draining.cancelled() => return,
            }
        }
    }

    async fn round(&self) -> Result<()> {
        let depth = depth(&self.db).await?;
        self.open.record(depth.open.cast_unsigned(), &[]);
        self.oldest.record(depth.oldest_due_seconds, &[]);
        let draining = self.process.tasks.draining();
        while !draining.is_cancelled() {
            let before = self.process.clock.now() - self.retention;
            let expired = sweep::expire(&self.db, BATCH.into()).await?;
            let erased = sweep::erase_bodies(&self.db, before, BATCH.into()).await?;
            if expired.max(erased) < u64::from(BATCH) {
                break;
            }
        }
        Ok(())
    }
}
