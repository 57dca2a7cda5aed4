//! The schedule's clock: queues due turns, sleeps until the next one is due.

use std::{sync::Arc, time::Duration};

use galaxy_runtime::scheduling::{self, BATCH};
use galaxy_service::{
    Process,
    tasks::{Next, Schedule},
};
use galaxy_store::Result;
use tokio::sync::Notify;

use crate::Manager;

/// How long to sleep at most: a schedule may have changed without a notification.
const POLL: Duration = Duration::from_secs(1);
/// How soon to look again after a failure of the database.
const RETRY: Duration = Duration::from_secs(1);

/// Starts the loop; it ends when the process drains. `changed` is notified when a schedule may have changed.
pub fn start(process: &Process, manager: &Manager, changed: Arc<Notify>) {
    let manager = manager.clone();
    let schedule = Schedule::period(POLL).woken_by(changed);
    process.tasks.every("scheduler", schedule, move || {
        let manager = manager.clone();
        async move {
            match look(&manager).await {
                Ok(wait) => Next::After(wait),
                Err(error) => {
                    tracing::warn!(%error, "schedules cannot be read; trying again");
                    Next::After(RETRY)
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
    let wait = next.map_or(POLL, |next| {
        let wait = next.duration_since(manager.clock.now());
        Duration::try_from(wait).unwrap_or_default()
    });
    // A game that another replica is ticking right now is due and passed over; do not spin on it.
    Ok(wait.clamp(Duration::from_millis(5), POLL))
}
