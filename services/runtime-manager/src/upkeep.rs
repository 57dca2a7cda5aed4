//! Periodic work beside the operations themselves: measures queue, engines and nodes, deletes old history. Every replica does both; the
//! deletions skip each other's rows.

use std::{sync::Arc, time::Duration};

use galaxy_runtime::{figures, figures::Figures, operations};
use galaxy_service::{
    Process,
    telemetry::{GaugeTable, meter},
};
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
    overdue: Gauge<u64>,
    overdue_age: Gauge<f64>,
    nodes: Gauge<u64>,
    engines: GaugeTable,
}

/// Starts the periodic task; `kept` is how long a finished operation stays.
pub fn start(process: &Process, manager: &Manager, kept: SignedDuration) {
    let meter = meter();
    let gauge = |name, about| meter.u64_gauge(name).with_description(about).build();
    let seconds = |name, about| {
        let gauge = meter.f64_gauge(name).with_unit("s");
        gauge.with_description(about).build()
    };
    let upkeep = Arc::new(Upkeep {
        manager: manager.clone(),
        draining: process.tasks.draining(),
        kept,
        depth: gauge(
            "galaxy.runtime.queue.depth",
            "Operations that are due and wait, by lane, counted up to 100,000",
        ),
        age: seconds(
            "galaxy.runtime.queue.age",
            "How long the oldest due operation has been due, by lane",
        ),
        overdue: gauge(
            "galaxy.runtime.turns.overdue",
            "Turns that were due two minutes ago and are not generated, counted up to 100,000",
        ),
        overdue_age: seconds(
            "galaxy.runtime.turns.overdue.age",
            "How long the oldest overdue turn has been due; 0 if there is none",
        ),
        nodes: gauge("galaxy.runtime.nodes", "Nodes that run engines, by state"),
        engines: GaugeTable::new(
            "galaxy.runtime.engines",
            "Engines by node, status of the runtime, and health",
        ),
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
        let figures = figures::read(&self.manager.db, now).await?;
        self.show(figures);
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
    fn show(&self, figures: Figures) {
        let overdue = figures.overdue;
        self.overdue.record(overdue.turns, &[]);
        self.overdue_age.record(overdue.oldest.as_secs_f64(), &[]);
        let nodes = figures.nodes;
        let states = [
            ("live", nodes.live),
            ("draining", nodes.draining),
            ("lost", nodes.lost),
        ];
        for (state, count) in states {
            let labels = [KeyValue::new("state", state)];
            self.nodes.record(count.unsigned_abs(), &labels);
        }
        let rows = figures.engines.into_iter().map(|count| {
            let labels = vec![
                KeyValue::new("node", count.node),
                KeyValue::new("status", count.status.as_str()),
                KeyValue::new("health", count.health.as_str()),
            ];
            (labels, count.engines.unsigned_abs())
        });
        self.engines.replace(rows.collect());
    }
}
