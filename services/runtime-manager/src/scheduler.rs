//! The schedule's clock: queues due turns, sleeps until the next one is due.

use std::{sync::Arc, time::Duration};

use galaxy_runtime::scheduling::{self, BATCH};
use galaxy_service::{Backoff, Process};
use galaxy_store::Result;
use tokio::sync::Notify;

use crate::Manager;

/// How long to sleep at most: a schedule may have changed without our hearing of it.
const POLL: Duration = Duration::from_secs(1);
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10));

/// Starts the loop; it ends when the process drains. `bell` rings when a schedule may have changed.
pub fn start(process: &Process, manager: &Manager, bell: Arc<Notify>) {
    let (manager, draining) = (manager.clone(), process.tasks.draining());
    process.tasks.supervise("scheduler", move || {
        let (manager, bell, draining) = (manager.clone(), bell.clone(), draining.clone());
        async move {
            let mut failures = 0;
            while !draining.is_cancelled() {
                let rung = bell.notified();
                let nap = match look(&manager).await {
                    Ok(nap) => {
                        failures = 0;
                        nap
                    }
                    Err(error) => {
                        failures += 1;
                        tracing::warn!(%error, "schedules cannot be read; trying again");
                        BACKOFF.delay(failures)
                    }
                };
                tokio::select! {
                    () = rung, if failures == 0 => {}
                    () = tokio::time::sleep(nap) => {}
                    () = draining.cancelled() => {}
                }
            }
        }
    });
}

/// Queues all turns that are due and says how long nothing else will be.
async fn look(manager: &Manager) -> Result<Duration> {
    loop {
        let tick = scheduling::tick(&manager.db, manager.clock.now()).await?;
        for late in &tick.late {
            manager.metrics.turn_late(*late);
        }
        if tick.due < BATCH {
            break;
        }
    }
    let next = scheduling::next_due(&manager.db).await?;
    let nap = next.map_or(POLL, |next| {
        let wait = next.duration_since(manager.clock.now());
        Duration::try_from(wait).unwrap_or_default()
    });
    // A game that another replica is ticking right now is due and passed over; do not spin on it.
    Ok(nap.clamp(Duration::from_millis(5), POLL))
}
