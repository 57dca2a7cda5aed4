//! The metrics of sending; those of the queue are in [`crate::upkeep`].

use galaxy_service::telemetry::{ClosedCounter, meter};
use opentelemetry::metrics::{Gauge, Histogram};

const OUTCOMES: &[&str] = &[
    "sent",
    "postponed",
    "dead",
    "expired",
    "released",
    "lease_lost",
];

pub(crate) struct Metrics {
    outcomes: ClosedCounter<1>,
    latency: Histogram<f64>,
    breaker: Gauge<u64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let meter = meter();
        let breaker = meter
            .u64_gauge("galaxy.mail.breaker.open")
            .with_description("1 while the SMTP server is considered unavailable")
            .build();
        breaker.record(0, &[]);
        Self {
            outcomes: ClosedCounter::new(
                "galaxy.mail.attempts",
                "Claimed mails by outcome",
                [("outcome", OUTCOMES)],
            ),
            latency: meter
                .f64_histogram("galaxy.mail.latency")
                .with_unit("s")
                .with_description("From enqueuing a mail to its acceptance by the SMTP server")
                .with_boundaries(vec![
                    0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0, 3_600.0, 86_400.0,
                ])
                .build(),
            breaker,
        }
    }
}

impl Metrics {
    pub(crate) fn outcome(&self, outcome: &'static str) {
        self.outcomes.add([outcome], 1);
    }

    /// Records the latency of an accepted mail.
    pub(crate) fn sent(&self, seconds: f64) {
        self.latency.record(seconds, &[]);
    }

    pub(crate) fn breaker(&self, open: bool) {
        self.breaker.record(u64::from(open), &[]);
    }
}
