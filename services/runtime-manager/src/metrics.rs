//! The runtime manager's instruments.

use galaxy_core::Op;
use std::time::Duration;

use galaxy_service::telemetry::{ClosedCounter, meter};
use jiff::SignedDuration;
use opentelemetry::{
    KeyValue,
    metrics::{Gauge, Histogram},
};

/// What a try of an operation can come to.
const OUTCOMES: &[&str] = &[
    "succeeded",
    "parked",
    "outage",
    "fenced",
    "retried",
    "failed",
    "cancelled",
    "lost",
    "unwritten",
];

#[derive(Clone)]
pub(crate) struct Metrics {
    operations: Histogram<f64>,
    tries: ClosedCounter<2>,
    lost: ClosedCounter<0>,
    lateness: Histogram<f64>,
    turns: Histogram<f64>,
    probes: ClosedCounter<1>,
    differences: Gauge<u64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let meter = meter();
        let ops: Vec<&'static str> = Op::ALL.iter().map(|op| op.as_str()).collect();
        Self {
            operations: meter
                .f64_histogram("galaxy.runtime.operation.duration")
                .with_unit("s")
                .with_description("One try of an operation on an engine, by operation and outcome")
                .with_boundaries(vec![
                    0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
                ])
                .build(),
            tries: ClosedCounter::new(
                "galaxy.runtime.operations",
                "Tries of operations on engines, by operation and outcome",
                [("op", &ops), ("outcome", OUTCOMES)],
            ),
            lost: ClosedCounter::new(
                "galaxy.runtime.leases.lost",
                "Operations whose lease went to another process while they ran",
                [],
            ),
            lateness: meter
                .f64_histogram("galaxy.runtime.turn.lateness")
                .with_unit("s")
                .with_description("From the time a turn was due until it was queued")
                .with_boundaries(vec![
                    0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0, 3_600.0,
                ])
                .build(),
            turns: meter
                .f64_histogram("galaxy.runtime.turn.duration")
                .with_unit("s")
                .with_description(
                    "From the first try of a turn until it was generated and recorded",
                )
                .with_boundaries(vec![
                    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 3_600.0,
                ])
                .build(),
            probes: ClosedCounter::new(
                "galaxy.runtime.probes",
                "Health probes of engines, by outcome",
                [("outcome", &["hit", "miss"])],
            ),
            differences: meter
                .u64_gauge("galaxy.runtime.differences")
                .with_description("Differences between what runs and what should, at the last look")
                .build(),
        }
    }
}

impl Metrics {
    pub(crate) fn operation(&self, op: Op, outcome: &'static str, took: Duration) {
        let labels = [
            KeyValue::new("op", op.as_str()),
            KeyValue::new("outcome", outcome),
        ];
        self.operations.record(took.as_secs_f64(), &labels);
        self.tries.add([op.as_str(), outcome], 1);
    }

    /// A turn was recorded, `took` after its first try.
    pub(crate) fn turn(&self, took: SignedDuration) {
        self.turns.record(took.as_secs_f64().max(0.0), &[]);
    }

    pub(crate) fn lease_lost(&self) {
        self.lost.add([], 1);
    }

    pub(crate) fn turn_late(&self, late: SignedDuration) {
        self.lateness.record(late.as_secs_f64().max(0.0), &[]);
    }

    pub(crate) fn probe(&self, outcome: &'static str) {
        self.probes.add([outcome], 1);
    }

    pub(crate) fn differences(&self, steps: usize) {
        self.differences.record(steps as u64, &[]);
    }
}
