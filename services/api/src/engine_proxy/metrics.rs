//! Metrics of the way to the engines.

use std::sync::LazyLock;

use galaxy_service::telemetry::meter;
use opentelemetry::metrics::Counter;

static UNUSABLE: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("galaxy.engine_proxy.unusable_answers")
        .with_description("Answers of engines that could not go on to players: other than the contract says, or too large")
        .build()
});

/// Counts an answer that could not go on to a player.
pub fn unusable_answer() {
    UNUSABLE.add(1, &[]);
}
