//! Readiness as a metric: what `/readyz` would say, for all processes in one place.

use std::time::Duration;

use galaxy_service::{Process, telemetry::GaugeTable};
use opentelemetry::KeyValue;

/// A probe that costs little, and a state that alerts look at over minutes.
const PERIOD: Duration = Duration::from_secs(5);

/// Starts the periodic task that checks, and shows each condition as 1 or 0.
pub(crate) fn start(process: &Process) {
    let table = GaugeTable::new(
        "galaxy.readiness",
        "1 while the condition of /readyz holds, by condition and what the process does without it",
    );
    let readiness = process.readiness.clone();
    process.tasks.every("readiness", PERIOD, move || {
        let (readiness, table) = (readiness.clone(), table.clone());
        async move {
            let checks = readiness.check().await;
            let rows = checks.iter().map(|check| {
                let holds = u64::from(check.failure.is_none());
                let need = if check.degrades {
                    "degrades"
                } else {
                    "required"
                };
                let labels = vec![
                    KeyValue::new("check", check.name),
                    KeyValue::new("need", need),
                ];
                (labels, holds)
            });
            table.replace(rows.collect());
        }
    });
}
