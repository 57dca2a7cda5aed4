//! Reconciliation: at start, every interval, and whenever the driver says that an engine came or went, what runs is
//! compared with what should run. What moves an engine is queued as an operation, so that it never races another one.
//!
//! An error is not an absence: if the driver or the database does not answer, nothing is planned.

pub mod plan;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use galaxy_core::GameId;
use galaxy_runtime::{
    NewOperation, Work, operations, outcome, outcome::EngineUp, records, restart,
    restart::RestartError,
};
use galaxy_service::Process;
use galaxy_store::Tx;
use tokio::sync::Notify;

use self::plan::{Step, Wanted, plan};
use crate::{
    Manager,
    config::ReconcileMode,
    drivers::{Driver as _, Observed, Removal},
};

/// How soon an unsure reading is looked at again.
const CONFIRM: Duration = Duration::from_secs(3);
/// Records read at once.
const PAGE: u32 = 500;

/// Compares and mends; remembers which engines no game wanted.
pub struct Reconciler {
    manager: Manager,
    mode: ReconcileMode,
    orphans: BTreeMap<GameId, u32>,
}

/// What a pass found, and what it did about it unless it only was to tell.
pub type Report = Vec<(GameId, Step)>;

/// Starts the loop; it ends when the process drains.
pub fn start(process: &Process, manager: &Manager, mode: ReconcileMode, interval: Duration) {
    let (manager, draining) = (manager.clone(), process.tasks.draining());
    let changed: Arc<Notify> = manager.driver.watch();
    process.tasks.supervise("reconcile", move || {
        let mut reconciler = Reconciler::new(manager.clone(), mode);
        let (changed, draining) = (changed.clone(), draining.clone());
        async move {
            while !draining.is_cancelled() {
                let nap = match reconciler.pass().await {
                    Ok(report) if report.iter().any(|(_, step)| step.is_unsure()) => CONFIRM,
                    Ok(_) => interval,
                    Err(error) => {
                        tracing::warn!(
                            error = format!("{error:#}"),
                            "engines cannot be compared with records; trying again"
                        );
                        CONFIRM
                    }
                };
                tokio::select! {
                    () = changed.notified() => {}
                    () = tokio::time::sleep(nap) => {}
                    () = draining.cancelled() => {}
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
            orphans: BTreeMap::new(),
        }
    }

    /// One comparison.
    pub async fn pass(&mut self) -> anyhow::Result<Report> {
        // Engines first: a record read afterwards knows of every engine in the list, not the other way round.
        let seen: BTreeMap<_, _> = self.manager.driver.list().await?.into_iter().collect();
        let wanted = self.wanted(&seen).await?;
        let steps = plan(&wanted, &seen, &self.orphans);
        self.manager.metrics.differences(steps.len());
        self.orphans = orphans(&steps);
        for (game, step) in &steps {
            let dry = self.mode == ReconcileMode::DryRun;
            tracing::info!(game_id = %game, ?step, dry, "what runs is not what should");
            if dry {
                continue;
            }
            let record = wanted.iter().find(|wanted| wanted.record.game_id == *game);
            if let Err(error) = self.apply(*game, step, record).await {
                tracing::warn!(game_id = %game, ?step, error = format!("{error:#}"), "a step did not go through");
            }
        }
        Ok(steps)
    }

    /// All records with engines, and those of engines that these records do not explain.
    async fn wanted(&self, seen: &BTreeMap<GameId, Observed>) -> anyhow::Result<Vec<Wanted>> {
        let mut connection = self.manager.db.acquire().await?;
        let mut found = vec![];
        loop {
            let after = found.last().map(|record: &records::Record| record.game_id);
            let page = records::with_engines(&mut connection, after, PAGE).await?;
            let full = page.len() >= PAGE as usize;
            found.extend(page);
            if !full {
                break;
            }
        }
        for game in seen.keys() {
            if !found.iter().any(|record| record.game_id == *game) {
                found.extend(records::get(&mut connection, *game).await?);
            }
        }
        let games: Vec<GameId> = found.iter().map(|record| record.game_id).collect();
        let busy = operations::busy(&mut connection, &games).await?;
        let wanted = found.into_iter().map(|record| Wanted {
            busy: busy.contains(&record.game_id),
            record,
        });
        Ok(wanted.collect())
    }

    async fn apply(
        &self,
        game: GameId,
        step: &Step,
        wanted: Option<&Wanted>,
    ) -> anyhow::Result<()> {
        let (manager, now) = (&self.manager, self.manager.clock.now());
        match (step, wanted) {
            (Step::RemoveOrphan, _) => manager.driver.remove(game, Removal::KeepState).await?,
            (Step::Adopt(instance), Some(Wanted { record, .. })) => {
                let up = EngineUp {
                    container_id: instance.container_id.clone(),
                    endpoint: instance.endpoint.clone(),
                    image_ref: record.image_ref.clone().unwrap_or_default(),
                    engine_version: record.engine_version.clone().unwrap_or_default(),
                };
                outcome::adopted(&manager.db, record, &up, now).await?;
            }
            (Step::MarkGone, Some(Wanted { record, .. })) => {
                outcome::gone(&manager.db, record, now).await?;
            }
            (Step::NoteMissing(readings), Some(_)) => {
                records::note_missing(&manager.db, game, *readings).await?;
            }
            (Step::ForgetMissing, Some(_)) => {
                records::note_missing(&manager.db, game, 0).await?;
            }
            (Step::Restart, Some(_)) => self.queue(game, None).await?,
            (Step::Stop, Some(_)) => self.queue(game, Some(Work::Stop {})).await?,
            (Step::Remove, Some(_)) => self.queue(game, Some(Work::Remove {})).await?,
            (Step::NoteOrphan(_), _) | (_, None) => {}
        }
        Ok(())
    }

    /// Queues `work`, or a restart, unless an operation of the game is open by now.
    async fn queue(&self, game_id: GameId, work: Option<Work>) -> anyhow::Result<()> {
        let mut tx: Tx = self.manager.db.begin().await?;
        records::lock(&mut tx, game_id).await?;
        if !operations::busy(&mut tx, &[game_id]).await?.is_empty() {
            return Ok(());
        }
        let (requested_by, now) = ("reconciler".to_owned(), self.manager.clock.now());
        if let Some(work) = work {
            let operation = NewOperation {
                game_id,
                work,
                requested_by,
                run_after: now,
            };
            operations::queue(&mut tx, &operation).await?;
        } else {
            match restart::request(&mut tx, game_id, &requested_by, now).await {
                Ok(_) => {}
                Err(RestartError::NotFound | RestartError::WrongStatus(_)) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(tx.commit().await?)
    }
}

fn orphans(steps: &Report) -> BTreeMap<GameId, u32> {
    let counts = steps.iter().filter_map(|(game, step)| match step {
        Step::NoteOrphan(readings) => Some((*game, *readings)),
        // Counted on until it is gone: its removal may not go through at once.
        Step::RemoveOrphan => Some((*game, plan::CONFIRMATIONS)),
        _ => None,
    });
    counts.collect()
}
