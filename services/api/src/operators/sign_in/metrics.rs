//! Metrics of the sign-in of operators.

use std::sync::LazyLock;

use galaxy_service::telemetry::meter;
use opentelemetry::{KeyValue, metrics::Counter};

static ADMIN_LOGINS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("galaxy.auth.admin_logins")
        .with_description("Checks of admin passwords, by outcome; remembered ones are not checked")
        .build()
});

/// Counts a check of an admin password.
pub fn admin_login(outcome: &'static str) {
    ADMIN_LOGINS.add(1, &[KeyValue::new("outcome", outcome)]);
}
