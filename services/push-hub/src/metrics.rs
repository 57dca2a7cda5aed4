//! What push-hub counts.

use galaxy_service::telemetry::{ClosedCounter, meter};
use opentelemetry::metrics::{Histogram, UpDownCounter};

/// How a subscription can begin: resumed, or reset for a reason.
const STARTS: &[&str] = &[
    "resumed",
    "no_cursor",
    "bad_cursor",
    "other_stream",
    "too_old",
];

/// The instruments of push-hub. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Open subscriptions.
    pub connections: UpDownCounter<i64>,
    events: ClosedCounter<1>,
    starts: ClosedCounter<1>,
    ends: ClosedCounter<1>,
    dropped: ClosedCounter<0>,
    behind: Histogram<u64>,
    latency: Histogram<f64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let meter = meter();
        let connections = meter
            .i64_up_down_counter("galaxy.push.connections")
            .with_description("Open subscriptions of gateways")
            .build();
        connections.add(0, &[]);
        Self {
            connections,
            events: ClosedCounter::new(
                "galaxy.push.events",
                "Messages read from the push stream, by kind",
                [("kind", &["client", "invalidation"])],
            ),
            starts: ClosedCounter::new(
                "galaxy.push.subscriptions",
                "Subscriptions begun, by outcome",
                [("outcome", STARTS)],
            ),
            ends: ClosedCounter::new(
                "galaxy.push.subscriptions.ended",
                "Subscriptions ended by the server, by reason",
                [(
                    "reason",
                    &["replaced", "interrupted", "fell_out", "draining"],
                )],
            ),
            dropped: ClosedCounter::new(
                "galaxy.push.dropped",
                "Client events dropped for slow gateways",
                [],
            ),
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
                    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 10.0, 60.0, 300.0,
                ])
                .build(),
        }
    }
}

impl Metrics {
    /// A message was read that was committed `seconds` ago.
    pub fn event(&self, kind: &'static str, seconds: f64) {
        self.events.add([kind], 1);
        self.latency.record(seconds, &[]);
    }

    /// A subscription began: `resumed` or the reason of its reset.
    pub fn started(&self, outcome: &'static str) {
        self.starts.add([outcome], 1);
    }

    /// The server ended a subscription.
    pub fn ended(&self, reason: &'static str) {
        self.ends.add([reason], 1);
    }

    /// Client events were dropped.
    pub fn dropped(&self, count: u64) {
        self.dropped.add([], count);
    }

    /// A gateway takes messages and is `behind` many behind.
    pub fn behind(&self, behind: u64) {
        self.behind.record(behind, &[]);
    }
}
