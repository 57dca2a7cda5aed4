//! Periodic work beside the operations themselves: measures the queue, deletes old history. Every replica does both; the
//! deletions skip each other's rows.

use std::{sync::Arc, time::Duration};

use galaxy_runtime::operations;
use galaxy_service::{Process, telemetry::meter};
use galaxy_store::Result;
use jiff::SignedDuration;
use opentelemetry::{KeyValue, metrics::Gauge};
use tokio_util::sync::CancellationToken;

use crate::Manager;

const PERIOD: Duration = Duration::from_secs(15);
/// Rows in one statement.
const BATCH: u32 = 1_000;

struct Upkeep {
    manager: Manager,
    draining: CancellationToken,
    kept: SignedDuration,
    depth: Gauge<u64>,
    age: Gauge<f64>,
}

/// Starts the periodic task; `kept` is how long a finished operation stays.
pub fn start(process: &Process, manager: &Manager, kept: SignedDuration) {
    let upkeep = Arc::new(Upkeep {
        manager: manager.clone(),
        draining: process.tasks.draining(),
        kept,
        depth: meter()
            .u64_gauge("galaxy.runtime.queue.depth")
            .with_description("Operations that are due and wait, by lane, counted up to 100,000")
            .build(),
        age: meter()
            .f64_gauge("galaxy.runtime.queue.age")
            .with_unit("s")
            .with_description("How long the oldest due operation has been due, by lane")
            .build(),
    });
    process.tasks.every("upkeep", PERIOD, move || {
        let upkeep = upkeep.clone();
        async move {
            if let Err(error) = upkeep.run().await {
                tracing::warn!(%error, "the upkeep of operations failed; trying again");
            }
        }
    });
}

impl Upkeep {
    async fn run(&self) -> Result<()> {
        let now = self.manager.clock.now();
        let mut connection = self.manager.db.acquire().await?;
        let waiting = operations::waiting(&mut connection, now).await?;
        for (lane, waiting) in waiting {
            let labels = [KeyValue::new("lane", lane.name())];
            self.depth.record(waiting.operations, &labels);
            self.age.record(waiting.oldest.as_secs_f64(), &labels);
        }
        let before = now.saturating_sub(self.kept);
        while !self.draining.is_cancelled() {
            let deleted = operations::delete_finished(&mut connection, before, BATCH.into());
            if deleted.await? < u64::from(BATCH) {
                break;
            }
        }
        Ok(())
    }
}
