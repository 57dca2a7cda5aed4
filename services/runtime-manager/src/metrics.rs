//! The runtime manager's instruments.

use galaxy_core::Op;
use std::time::Duration;

use galaxy_service::telemetry::meter;
use jiff::SignedDuration;
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Histogram},
};

#[derive(Clone)]
pub(crate) struct Metrics {
    operations: Histogram<f64>,
    lost: Counter<u64>,
    lateness: Histogram<f64>,
    probes: Counter<u64>,
    differences: Gauge<u64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let meter = meter();
        Self {
            operations: meter
                .f64_histogram("galaxy.runtime.operation.duration")
                .with_unit("s")
                .with_description("One try of an operation on an engine, by operation and outcome")
                .with_boundaries(vec![
                    0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
                ])
                .build(),
            lost: meter
                .u64_counter("galaxy.runtime.leases.lost")
                .with_description("Operations whose lease went to another process while they ran")
                .build(),
            lateness: meter
                .f64_histogram("galaxy.runtime.turn.lateness")
                .with_unit("s")
                .with_description("From the time a turn was due until it was queued")
                .with_boundaries(vec![
                    0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0,
                ])
                .build(),
            probes: meter
                .u64_counter("galaxy.runtime.probes")
                .with_description("Health probes of engines, by outcome")
                .build(),
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
    }

    pub(crate) fn lease_lost(&self) {
        self.lost.add(1, &[]);
    }

    pub(crate) fn turn_late(&self, late: SignedDuration) {
        self.lateness.record(late.as_secs_f64().max(0.0), &[]);
    }

    pub(crate) fn probe(&self, outcome: &'static str) {
        self.probes.add(1, &[KeyValue::new("outcome", outcome)]);
    }

    pub(crate) fn differences(&self, steps: usize) {
        self.differences.record(steps as u64, &[]);
    }
}
