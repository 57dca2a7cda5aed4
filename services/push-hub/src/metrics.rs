//! What push-hub counts.

use galaxy_service::telemetry::meter;
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Histogram, UpDownCounter},
};

/// The instruments of push-hub. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Open subscriptions.
    pub connections: UpDownCounter<i64>,
    events: Counter<u64>,
    starts: Counter<u64>,
    ends: Counter<u64>,
    dropped: Counter<u64>,
    behind: Histogram<u64>,
    latency: Histogram<f64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let meter = meter();
        Self {
            connections: meter
                .i64_up_down_counter("galaxy.push.connections")
                .with_description("Open subscriptions of gateways")
                .build(),
            events: meter
                .u64_counter("galaxy.push.events")
                .with_description("Messages read from the push stream, by kind")
                .build(),
            starts: meter
                .u64_counter("galaxy.push.subscriptions")
                .with_description("Subscriptions begun, by outcome")
                .build(),
            ends: meter
                .u64_counter("galaxy.push.subscriptions.ended")
                .with_description("Subscriptions ended by the server, by reason")
                .build(),
            dropped: meter
                .u64_counter("galaxy.push.dropped")
                .with_description("Client events dropped for slow gateways")
                .build(),
            behind: meter
                .u64_histogram("galaxy.push.queue.depth")
                .with_description("Messages a gateway is behind when it takes the next ones")
                .with_boundaries(vec![0.0, 1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0])
                .build(),
            latency: meter
                .f64_histogram("galaxy.push.latency")
                .with_unit("s")
                .with_description("Time from the commit of an event to its arrival here")
                .with_boundaries(vec![
                    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 10.0,
                ])
                .build(),
        }
    }
}

impl Metrics {
    /// A message was read that was committed `seconds` ago.
    pub fn event(&self, kind: &'static str, seconds: f64) {
        self.events.add(1, &[KeyValue::new("kind", kind)]);
        self.latency.record(seconds, &[]);
    }

    /// A subscription began: `resumed` or the reason of its reset.
    pub fn started(&self, outcome: &'static str) {
        self.starts.add(1, &[KeyValue::new("outcome", outcome)]);
    }

    /// The server ended a subscription.
    pub fn ended(&self, reason: &'static str) {
        self.ends.add(1, &[KeyValue::new("reason", reason)]);
    }

    /// Client events were dropped.
    pub fn dropped(&self, count: u64) {
        self.dropped.add(count, &[]);
    }

    /// A gateway takes messages and is `behind` many behind.
    pub fn behind(&self, behind: u64) {
        self.behind.record(behind, &[]);
    }
}
