//! Metrics of the sign-in of operators.

use std::sync::LazyLock;

use galaxy_service::telemetry::ClosedCounter;

static ADMIN_LOGINS: LazyLock<ClosedCounter<1>> = LazyLock::new(|| {
    ClosedCounter::new(
        "galaxy.auth.admin_logins",
        "Checks of admin passwords, by outcome; remembered ones are not checked",
        [("outcome", &["verified", "wrong", "held_up", "failed"])],
    )
});

/// Exports the counter from now on.
pub fn start() {
    LazyLock::force(&ADMIN_LOGINS);
}

/// Counts a check of an admin password.
pub fn admin_login(outcome: &'static str) {
    ADMIN_LOGINS.add([outcome], 1);
}
