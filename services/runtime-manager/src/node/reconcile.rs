//! Reconciliation: at start, every interval, and whenever the driver tells of a change, what runs on the node is compared with
//! what should run. What moves an engine is queued as an operation, so that it never races another one.
//!
//! Every step reads its record again under the lock, or is refused by the driver if an engine of a newer epoch is there.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use galaxy_core::GameId;
use galaxy_drivers::{Driver as _, Exit};
use galaxy_runtime::{
    NewOperation, Record, RequestError, Work, nodes, operations,
    outcome::{self, Found},
    records,
    restart::{self, Treatment, Trouble},
};
use galaxy_service::{
    Process,
    tasks::{Next, Schedule},
};
use tokio::sync::Mutex;

use super::{
    Watch,
    plan::{Plan, Reading, Step, Unexplained},
};
use crate::{
    Manager,
    config::{NodeConfig, ReconcileMode},
};

/// How soon an unsure reading, or one that failed, is looked at again.
const CONFIRM: Duration = Duration::from_secs(10);

/// Compares and mends; remembers which engines no record explains.
pub struct Reconciler {
    pub(super) manager: Manager,
    mode: ReconcileMode,
    pub(super) unexplained: Unexplained,
}

/// Starts the loop; it ends when the process drains.
pub(super) fn start(process: &Process, manager: &Manager, watch: &Watch, config: &NodeConfig) {
    let reconciler = Arc::new(Mutex::new(Reconciler::new(
        manager.clone(),
        config.reconcile,
    )));
    let (watch, interval) = (watch.clone(), config.reconcile_interval);
    let schedule = Schedule::period(interval).woken_by(watch.changed());
    process.tasks.every("reconcile", schedule, move || {
        let (reconciler, watch) = (reconciler.clone(), watch.clone());
        async move {
            if !watch.is_held() {
                return Next::After(Duration::from_secs(1));
            }
            match reconciler.lock().await.pass().await {
                Ok(plan) if plan.braked > 0 || plan.steps.iter().any(|(_, s)| s.is_unsure()) => {
                    Next::After(CONFIRM)
                }
                Ok(_) => Next::AfterPeriod,
                Err(error) => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "engines cannot be compared with records; trying again"
                    );
                    Next::After(CONFIRM)
                }
            }
        }
    });
}

impl Reconciler {
    /// Nothing remembered yet.
    pub fn new(manager: Manager, mode: ReconcileMode) -> Self {
        Self {
            manager,
            mode,
            unexplained: Unexplained::new(),
        }
    }

    /// One comparison.
    pub async fn pass(&mut self) -> anyhow::Result<Plan> {
        // Engines first: a record read afterwards knows of every engine in the list, not the other way round.
        let (seen, complete) = self.list().await.context("the engines cannot be listed")?;
        let now = self.manager.clock.now();
        let reading = Reading {
            node: self.manager.node.node_id.clone(),
            seen,
            complete,
            now,
        };
        let (plan, records) = self.compare(reading).await?;
        self.manager.metrics.differences(plan.steps.len());
        if plan.braked > 0 {
            tracing::error!(
                missing = plan.braked,
                "many engines are missing at once; nothing is concluded from it, look at the node"
            );
        }
        self.remember(&plan, now);
        if complete {
            let mut connection = self.manager.db.acquire().await?;
            nodes::note_listed(&mut connection, &self.manager.node.node_id, now).await?;
        }
        for (game, step) in &plan.steps {
            self.carry_out(*game, step, records.get(game)).await;
        }
        Ok(plan)
    }

    fn remember(&mut self, plan: &Plan, now: galaxy_core::Timestamp) {
        let mut unexplained = Unexplained::new();
        for (game, step) in &plan.steps {
            if matches!(step, Step::Report | Step::RemoveUnexplained(_)) {
                let (readings, since) = self.unexplained.get(game).copied().unwrap_or((0, now));
                unexplained.insert(*game, (readings + 1, since));
            }
        }
        self.unexplained = unexplained;
    }

    async fn carry_out(&self, game: GameId, step: &Step, record: Option<&Record>) {
        let dry = self.mode == ReconcileMode::DryRun;
        match step {
            Step::NoteMissing(_) | Step::MarkGone | Step::RemoveUnexplained(_) | Step::Report => {
                tracing::warn!(game_id = %game, ?step, dry, "what runs is not what should");
            }
            _ => tracing::info!(game_id = %game, ?step, dry, "what runs is not what should"),
        }
        if dry {
            return;
        }
        let done = match (step, record) {
            (Step::RemoveUnexplained(epoch), _) => self.remove(game, *epoch).await,
            (Step::Report, _) | (_, None) => Ok(()),
            (step, Some(record)) => self.apply(step, record).await,
        };
        if let Err(error) = done {
            tracing::warn!(game_id = %game, ?step, error = format!("{error:#}"), "a step did not go through");
        }
    }

    async fn apply(&self, step: &Step, record: &Record) -> anyhow::Result<()> {
        let (manager, now, game) = (&self.manager, self.manager.clock.now(), record.game_id);
        match step {
            Step::Adopt(instance) => {
                let node = &manager.node.node_id;
                let found = Found {
                    container_id: &instance.container_id,
                    endpoint: &instance.endpoint,
                };
                outcome::adopted(&manager.db, record, node, found, now).await?;
            }
            Step::MarkGone => {
                outcome::gone(&manager.db, record, now).await?;
            }
            Step::NoteMissing(readings) => {
                let mut connection = manager.db.acquire().await?;
                records::note_missing(&mut connection, game, *readings, now).await?;
            }
            Step::ForgetMissing => {
                let mut connection = manager.db.acquire().await?;
                records::note_missing(&mut connection, game, 0, now).await?;
            }
            Step::Revive(exit) => self.revive(record, exit).await?,
            Step::Remake => self.remake(record).await?,
            Step::Stop => self.queue(record, Work::Stop {}).await?,
            Step::Remove => self.queue(record, Work::Remove {}).await?,
            Step::Report | Step::RemoveUnexplained(_) => {}
        }
        Ok(())
    }

    /// Removes an engine that no record explains, if that is still so.
    async fn remove(&self, game: GameId, epoch: i64) -> anyhow::Result<()> {
        let record = {
            let mut connection = self.manager.db.acquire().await?;
            records::get(&mut connection, game).await?
        };
        let wanted = record.is_some_and(|record| {
            let here = record.node_id.as_ref() == Some(&self.manager.node.node_id);
            here && record.epoch == epoch
                && (record.status.has_engine()
                    || record.status == galaxy_core::RuntimeStatus::Starting)
        });
        if wanted {
            return Ok(());
        }
        tracing::error!(game_id = %game, epoch, "removing an engine that no record explains; its state stays");
        self.manager.driver.delete_engine(game, epoch).await?;
        Ok(())
    }

    async fn revive(&self, record: &Record, exit: &Exit) -> anyhow::Result<()> {
        let trouble = Trouble::Ended {
            code: exit.code,
            oom: exit.oom,
            log: self.manager.log_tail(record.game_id).await,
        };
        let mut tx = self.manager.db.begin().await?;
        match restart::treat(&mut tx, record, &trouble, self.manager.clock.now()).await? {
            Treatment::Nothing => {}
            Treatment::Restarted(operation_id) => {
                tracing::warn!(game_id = %record.game_id, %operation_id, code = exit.code, oom = exit.oom,
                    "an engine ended; it is started again");
                tx.commit().await?;
            }
            Treatment::GivenUp => {
                tracing::error!(game_id = %record.game_id, code = exit.code, oom = exit.oom,
                    "an engine ends again and again; it is given up until somebody restarts it");
                tx.commit().await?;
            }
        }
        Ok(())
    }

    /// Queues a restart on the state that is there, unless the record has changed.
    async fn remake(&self, seen: &Record) -> anyhow::Result<()> {
        let now = self.manager.clock.now();
        let mut tx = self.manager.db.begin().await?;
        let node = &self.manager.node.node_id;
        if !records::claim_for_node(&mut tx, seen.game_id, seen.version, node).await? {
            return Ok(());
        }
        if !operations::busy(&mut tx, &[seen.game_id]).await?.is_empty() {
            return Ok(());
        }
        match restart::request(&mut tx, seen.game_id, "reconciler", now).await {
            Ok(_) => Ok(tx.commit().await?),
            Err(RequestError::NotFound | RequestError::WrongStatus(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Queues `work`, unless the record has changed or an operation of the game is open by now.
    async fn queue(&self, seen: &Record, work: Work) -> anyhow::Result<()> {
        let mut tx = self.manager.db.begin().await?;
        let record = records::lock(&mut tx, seen.game_id).await?;
        let changed = record.is_none_or(|record| record.version != seen.version);
        if changed || !operations::busy(&mut tx, &[seen.game_id]).await?.is_empty() {
            return Ok(());
        }
        let operation = NewOperation {
            game_id: seen.game_id,
            work,
            requested_by: "reconciler".to_owned(),
            run_after: self.manager.clock.now(),
        };
        operations::queue(&mut tx, &operation).await?;
        Ok(tx.commit().await?)
    }
}
