//! The counters of sign-in and session lookups.

use std::sync::LazyLock;

use galaxy_service::telemetry::meter;
use opentelemetry::{KeyValue, metrics::Counter};

use super::store::Admission;

static CODES_ASKED: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("galaxy.auth.codes_asked")
        .with_description("Sign-in codes that were asked for, by what became of them")
        .build()
});

static CODES_TRIED: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("galaxy.auth.codes_tried")
        .with_description("Sign-in codes that were tried, by outcome")
        .build()
});

static SESSION_LOOKUPS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("galaxy.sessions.lookups")
        .with_description("Session lookups that went to the database, by why")
        .build()
});

/// Counts a request for a code.
pub fn code_requested(admission: Admission) {
    let outcome = match admission {
        Admission::Send => "sent",
        Admission::Throttled => "throttled",
        Admission::Blocked => "blocked",
    };
    CODES_ASKED.add(1, &[KeyValue::new("outcome", outcome)]);
}

/// Counts an attempt to confirm a code.
pub fn code_tried(outcome: &'static str) {
    CODES_TRIED.add(1, &[KeyValue::new("outcome", outcome)]);
}

/// A session was looked up in the database: `miss` or `bypass`.
pub fn session_lookup(why: &'static str) {
    SESSION_LOOKUPS.add(1, &[KeyValue::new("why", why)]);
}
