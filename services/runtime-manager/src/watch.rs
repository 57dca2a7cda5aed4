//! The health watch: probes each engine every interval, whichever replica gets to it.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use galaxy_runtime::health::{self, Probe};
use galaxy_service::Process;
use galaxy_store::Result;
use jiff::SignedDuration;

use crate::{Manager, drivers::Driver as _};

/// Engines taken at once, and probed side by side.
const BATCH: u32 = 200;
const AT_ONCE: usize = 32;

/// Starts the loop; it ends when the process drains.
pub fn start(process: &Process, manager: &Manager, interval: SignedDuration) {
    let (manager, draining) = (manager.clone(), process.tasks.draining());
    let pause = Duration::try_from(interval / 10)
        .unwrap_or_default()
        .clamp(Duration::from_millis(10), Duration::from_secs(1));
    process.tasks.supervise("watch", move || {
        let (manager, draining) = (manager.clone(), draining.clone());
        async move {
            while !draining.is_cancelled() {
                match round(&manager, interval).await {
                    Ok(full) if full => continue,
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%error, "engines cannot be watched; trying again"),
                }
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = draining.cancelled() => {}
                }
            }
        }
    });
}

/// Probes what is due; says whether there may be more.
pub async fn round(manager: &Manager, interval: SignedDuration) -> Result<bool> {
    let now = manager.clock.now();
    let probes = health::claim(&manager.db, interval, BATCH, now).await?;
    let full = probes.len() >= BATCH as usize;
    stream::iter(probes)
        .for_each_concurrent(AT_ONCE, |probe| look(manager, probe))
        .await;
    Ok(full)
}

async fn look(manager: &Manager, probe: Probe) {
    let answered = manager.engines.healthz(&probe.endpoint).await;
    let now = manager.clock.now();
    let noted = match answered {
        Ok(()) => {
            manager.metrics.probe("hit");
            health::hit(&manager.db, &probe, now).await
        }
        Err(error) => {
            manager.metrics.probe("miss");
            // It may have ended unseen, if another process had started it: have what runs compared now.
            manager.driver.watch().notify_one();
            let lost = health::miss(&manager.db, &probe, &error.to_string(), now).await;
            if matches!(lost, Ok(true)) {
                tracing::error!(game_id = %probe.game_id, %error, "an engine does not answer any more");
            }
            lost.map(|_| ())
        }
    };
    if let Err(error) = noted {
        tracing::warn!(game_id = %probe.game_id, %error, "a probe's result cannot be written");
    }
}
