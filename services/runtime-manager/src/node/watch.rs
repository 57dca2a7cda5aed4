//! Probes: each engine of the node once an interval, spread over it, by the manager that watches the node.
//!
//! How often an engine missed is remembered here; only changes are written. An engine that does not answer for long although
//! it runs is hung, and replaced.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use galaxy_core::{GameId, Timestamp};
use galaxy_drivers::{Driver as _, Sight};
use galaxy_runtime::{
    Watched, health, records,
    restart::{self, Treatment, Trouble},
};
use galaxy_service::Process;
use galaxy_store::Result;
use jiff::SignedDuration;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::Watch;
use crate::{Manager, config::NodeConfig};

/// Probes under way at once.
const AT_ONCE: usize = 64;

/// The probes of one node.
pub struct Watcher {
    manager: Manager,
    watch: Watch,
    hung_after: SignedDuration,
    misses: Mutex<HashMap<GameId, Misses>>,
}

/// Misses in a row of one engine.
#[derive(Debug, Clone, Copy)]
struct Misses {
    epoch: i64,
    count: u32,
    since: Timestamp,
}

/// Starts the probes; they end when the process drains.
pub(super) fn start(process: &Process, manager: &Manager, watch: &Watch, config: &NodeConfig) {
    let watcher = Arc::new(Watcher::new(
        manager.clone(),
        watch.clone(),
        config.hung_after,
    ));
    let interval = Duration::try_from(config.health_interval).unwrap_or(Duration::from_secs(10));
    process.tasks.every("watch", interval, move || {
        let watcher = watcher.clone();
        async move {
            let began = Instant::now();
            if !watcher.watch.is_held() {
                watcher.misses.lock().clear();
                return Duration::from_secs(1).min(interval);
            }
            if let Err(error) = watcher.round(interval * 9 / 10).await {
                tracing::warn!(%error, "engines cannot be watched; trying again");
            }
            interval.saturating_sub(began.elapsed())
        }
    });
}

impl Watcher {
    /// No engine has missed a probe yet. One that misses for `hung_after` although it runs is replaced.
    pub fn new(manager: Manager, watch: Watch, hung_after: SignedDuration) -> Self {
        Self {
            manager,
            watch,
            hung_after,
            misses: Mutex::default(),
        }
    }

    /// Probes every engine of the node once, spread over `span`. One that hangs delays no other.
    pub async fn round(&self, span: Duration) -> Result<()> {
        let engines = health::watched(&self.manager.db, &self.manager.node.node_id).await?;
        let known: std::collections::HashSet<GameId> = engines
            .iter()
            .map(|watched| watched.engine.game_id)
            .collect();
        self.misses.lock().retain(|game, _| known.contains(game));
        let began = Instant::now();
        let count = u32::try_from(engines.len()).unwrap_or(u32::MAX).max(1);
        stream::iter(engines.into_iter().zip(0_u32..))
            .for_each_concurrent(AT_ONCE, |(watched, n)| async move {
                let due = began + span.mul_f64(f64::from(n) / f64::from(count));
                tokio::time::sleep_until(due).await;
                self.probe(&watched).await;
            })
            .await;
        Ok(())
    }

    async fn probe(&self, watched: &Watched) {
        let answered = self.manager.engines.healthz(&watched.engine).await;
        let now = self.manager.clock.now();
        let noted = match answered {
            Ok(()) => {
                self.manager.metrics.probe("hit");
                self.misses.lock().remove(&watched.engine.game_id);
                health::answered(&self.manager.db, watched, now)
                    .await
                    .map(|_| ())
            }
            Err(error) => {
                self.manager.metrics.probe("miss");
                self.miss(watched, &error.to_string(), now).await
            }
        };
        if let Err(error) = noted {
            tracing::warn!(game_id = %watched.engine.game_id, %error, "a probe's result cannot be written");
        }
    }

    async fn miss(&self, watched: &Watched, why: &str, now: Timestamp) -> Result<()> {
        let misses = self.count(watched, now);
        if misses.count == 1 {
            // It may have ended unseen: have what runs compared now.
            self.watch.changed.notify_one();
        }
        if misses.count >= health::MISSES
            && health::unreachable(&self.manager.db, watched, why, now).await?
        {
            tracing::error!(game_id = %watched.engine.game_id, error = why, "an engine does not answer any more");
        }
        if now.duration_since(misses.since) >= self.hung_after {
            self.replace_hung(watched, now).await?;
        }
        Ok(())
    }

    fn count(&self, watched: &Watched, now: Timestamp) -> Misses {
        let mut all = self.misses.lock();
        let first = Misses {
            epoch: watched.epoch,
            count: 0,
            since: now,
        };
        let misses = all.entry(watched.engine.game_id).or_insert(first);
        if misses.epoch != watched.epoch {
            *misses = first;
        }
        misses.count += 1;
        *misses
    }

    /// An engine that runs and does not answer is made anew. One that ended is reconciliation's.
    async fn replace_hung(&self, watched: &Watched, now: Timestamp) -> Result<()> {
        let game = watched.engine.game_id;
        let runs = matches!(
            self.manager.driver.observe(game).await,
            Ok(Sight::Running(instance)) if instance.epoch == watched.epoch
        );
        if !runs {
            return Ok(());
        }
        let mut tx = self.manager.db.begin().await?;
        let Some(record) = records::get(&mut tx, game).await? else {
            return Ok(());
        };
        if record.epoch != watched.epoch {
            return Ok(());
        }
        match restart::treat(&mut tx, &record, &Trouble::Hung, now).await? {
            Treatment::Nothing => return Ok(()),
            Treatment::Restarted(operation_id) => {
                tracing::error!(game_id = %game, %operation_id, "an engine hangs; it is replaced");
            }
            Treatment::GivenUp => {
                tracing::error!(game_id = %game, "an engine hangs again and again; it is given up");
            }
        }
        tx.commit().await?;
        self.misses.lock().remove(&game);
        Ok(())
    }
}
