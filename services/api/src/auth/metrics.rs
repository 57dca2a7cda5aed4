//! The counters of sign-in and session lookups.

use std::sync::LazyLock;

use galaxy_service::telemetry::ClosedCounter;

use super::store::Admission;

static CODES_ASKED: LazyLock<ClosedCounter<1>> = LazyLock::new(|| {
    ClosedCounter::new(
        "galaxy.auth.codes_asked",
        "Sign-in codes that were asked for, by what became of them",
        [("outcome", &["sent", "throttled", "blocked"])],
    )
});

static CODES_TRIED: LazyLock<ClosedCounter<1>> = LazyLock::new(|| {
    ClosedCounter::new(
        "galaxy.auth.codes_tried",
        "Sign-in codes that were tried, by outcome",
        [("outcome", &["confirmed", "invalid", "barred", "failed"])],
    )
});

static SESSION_LOOKUPS: LazyLock<ClosedCounter<1>> = LazyLock::new(|| {
    ClosedCounter::new(
        "galaxy.sessions.lookups",
        "Session lookups that went to the database, by why",
        [("why", &["miss", "bypass"])],
    )
});

/// Exports the counters from now on.
pub fn start() {
    for counter in [&CODES_ASKED, &CODES_TRIED, &SESSION_LOOKUPS] {
        LazyLock::force(counter);
    }
}

/// Counts a request for a code.
pub fn code_requested(admission: Admission) {
    let outcome = match admission {
        Admission::Send => "sent",
        Admission::Throttled => "throttled",
        Admission::Blocked => "blocked",
    };
    CODES_ASKED.add([outcome], 1);
}

/// Counts an attempt to confirm a code.
pub fn code_tried(outcome: &'static str) {
    CODES_TRIED.add([outcome], 1);
}

/// A session was looked up in the database: `miss` or `bypass`.
pub fn session_lookup(why: &'static str) {
    SESSION_LOOKUPS.add([why], 1);
}
