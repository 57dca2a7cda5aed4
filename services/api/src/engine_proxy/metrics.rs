//! Metrics of the way to the engines.

use std::sync::LazyLock;

use galaxy_service::telemetry::ClosedCounter;

static UNUSABLE: LazyLock<ClosedCounter<0>> = LazyLock::new(|| {
    ClosedCounter::new(
        "galaxy.engine_proxy.unusable_answers",
        "Answers of engines that could not go on to players: other than the contract says, or too large",
        [],
    )
});

/// Exports the counter from now on.
pub fn start() {
    LazyLock::force(&UNUSABLE);
}

/// Counts an answer that could not go on to a player.
pub fn unusable_answer() {
    UNUSABLE.add([], 1);
}
