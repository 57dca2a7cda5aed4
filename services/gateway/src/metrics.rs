//! The metrics of the gateway.

use std::time::Duration;

use galaxy_service::telemetry::{ClosedCounter, REQUEST_SECONDS, meter};
use opentelemetry::{
    KeyValue,
    metrics::{Histogram, UpDownCounter},
};

use crate::{connection_registry::Counts, refusal::CODES};

/// The instruments of the gateway. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Open event streams of clients.
    pub streams: UpDownCounter<i64>,
    requests: Histogram<f64>,
    refusals: ClosedCounter<1>,
    lookups: ClosedCounter<1>,
    deliveries: ClosedCounter<0>,
    slow: ClosedCounter<0>,
    push_subscriptions: ClosedCounter<1>,
    latency: Histogram<f64>,
}

/// From a commit to its delivery: up to the window in which a client may resume.
const DELIVERY_SECONDS: [f64; 12] = [
    0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0, 60.0, 300.0,
];

impl Default for Metrics {
    fn default() -> Self {
        let meter = meter();
        let seconds = |name, about, boundaries: &[f64]| {
            let histogram = meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(about);
            histogram.with_boundaries(boundaries.to_vec()).build()
        };
        let streams = meter
            .i64_up_down_counter("galaxy.gateway.streams")
            .with_description("Open event streams of clients")
            .build();
        streams.add(0, &[]);
        Self {
            streams,
            requests: seconds(
                "galaxy.gateway.request.duration",
                "Time from a signed request to its signed response, by message type",
                &REQUEST_SECONDS,
            ),
            refusals: ClosedCounter::new(
                "galaxy.gateway.refusals",
                "Requests refused, by code",
                [("code", CODES)],
            ),
            lookups: ClosedCounter::new(
                "galaxy.gateway.session.lookups",
                "Session lookups, by source",
                [("source", &["cache", "api"])],
            ),
            deliveries: ClosedCounter::new(
                "galaxy.gateway.deliveries",
                "Events given to streams of clients",
                [],
            ),
            slow: ClosedCounter::new(
                "galaxy.gateway.slow_clients",
                "Streams ended since they had no room",
                [],
            ),
            push_subscriptions: ClosedCounter::new(
                "galaxy.gateway.push.subscriptions",
                "Subscriptions at push-hub, by outcome",
                [("outcome", &["resumed", "reset", "ended"])],
            ),
            latency: seconds(
                "galaxy.gateway.push.latency",
                "Time from the commit of an event to its delivery here",
                &DELIVERY_SECONDS,
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
        self.refusals.add([code], 1);
    }

    /// Counts a session lookup.
    pub fn session_lookup(&self, cached: bool) {
        let source = if cached { "cache" } else { "api" };
        self.lookups.add([source], 1);
    }

    /// Counts an event that was queued for streams.
    pub fn delivered(&self, counts: Counts) {
        self.deliveries.add([], counts.delivered);
        self.slow.add([], counts.slow);
    }

    /// Records an event that was committed `seconds` ago.
    pub fn event_age(&self, seconds: f64) {
        self.latency.record(seconds.max(0.0), &[]);
    }

    /// Counts a subscription at push-hub that began or ended.
    pub fn push_subscription(&self, outcome: &'static str) {
        self.push_subscriptions.add([outcome], 1);
    }
}
