//! The metrics of the gateway.

use std::time::Duration;

use galaxy_service::telemetry::meter;
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Histogram, UpDownCounter},
};

use crate::connection_registry::Counts;

/// The instruments of the gateway. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Open event streams of clients.
    pub streams: UpDownCounter<i64>,
    requests: Histogram<f64>,
    refusals: Counter<u64>,
    lookups: Counter<u64>,
    deliveries: Counter<u64>,
    slow: Counter<u64>,
    push_subscriptions: Counter<u64>,
    latency: Histogram<f64>,
}

const SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

impl Default for Metrics {
    fn default() -> Self {
        let meter = meter();
        let counter = |name, about| meter.u64_counter(name).with_description(about).build();
        let seconds = |name, about| {
            let histogram = meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(about);
            histogram.with_boundaries(SECONDS.to_vec()).build()
        };
        Self {
            streams: meter
                .i64_up_down_counter("galaxy.gateway.streams")
                .with_description("Open event streams of clients")
                .build(),
            requests: seconds(
                "galaxy.gateway.request.duration",
                "Time from a signed request to its signed response, by message type",
            ),
            refusals: counter("galaxy.gateway.refusals", "Requests refused, by code"),
            lookups: counter(
                "galaxy.gateway.session.lookups",
                "Session lookups, by source",
            ),
            deliveries: counter(
                "galaxy.gateway.deliveries",
                "Events given to streams of clients",
            ),
            slow: counter(
                "galaxy.gateway.slow_clients",
                "Streams ended since they had no room",
            ),
            push_subscriptions: counter(
                "galaxy.gateway.push.subscriptions",
                "Subscriptions at push-hub, by outcome",
            ),
            latency: seconds(
                "galaxy.gateway.push.latency",
                "Time from the commit of an event to its delivery here",
            ),
        }
    }
}

impl Metrics {
    /// Counts an answered request. `message_type` is one of the route table, so that labels are bounded.
    pub fn answered(&self, message_type: String, status: u16, took: Duration) {
        let labels = [
            KeyValue::new("message_type", message_type),
            KeyValue::new("status", i64::from(status)),
        ];
        self.requests.record(took.as_secs_f64(), &labels);
    }

    /// Counts a refused request.
    pub fn refused(&self, code: &'static str) {
        self.refusals.add(1, &[KeyValue::new("code", code)]);
    }

    /// Counts a session lookup.
    pub fn session_lookup(&self, cached: bool) {
        let source = if cached { "cache" } else { "api" };
        self.lookups.add(1, &[KeyValue::new("source", source)]);
    }

    /// Counts an event that was queued for streams.
    pub fn delivered(&self, counts: Counts) {
        self.deliveries.add(counts.delivered, &[]);
        self.slow.add(counts.slow, &[]);
    }

    /// Records an event that was committed `seconds` ago.
    pub fn event_age(&self, seconds: f64) {
        self.latency.record(seconds.max(0.0), &[]);
    }

    /// Counts a subscription at push-hub that began or ended.
    pub fn push_subscription(&self, outcome: &'static str) {
        self.push_subscriptions
            .add(1, &[KeyValue::new("outcome", outcome)]);
    }
}
