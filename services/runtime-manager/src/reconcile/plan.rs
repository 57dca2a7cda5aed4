//! What to do about differences between what should run and what does: a pure function, for every pair of both.

use std::collections::BTreeMap;

use galaxy_core::GameId;
use galaxy_runtime::{Record, RuntimeStatus};

use crate::drivers::{Instance, Observed};

/// Readings in a row that must miss an engine before anything follows from it.
pub const CONFIRMATIONS: u32 = 3;

/// What should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The record, as it was read after the engines were listed.
    pub record: Record,
    /// An operation is on its way: what it will leave is not known yet.
    pub busy: bool,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Note another name or address of an engine that runs.
    Adopt(Instance),
    /// Bring an engine that ended up again.
    Restart,
    /// End an engine that was to be stopped.
    Stop,
    /// Remove the engine of a game that is over.
    Remove,
    /// Note that the engine was not found, for the first times.
    NoteMissing(u32),
    /// Note that it was found after all.
    ForgetMissing,
    /// Tell that the engine is gone with its state.
    MarkGone,
    /// Remove an engine that no game wants; its state stays.
    RemoveOrphan,
    /// Note that an engine was found that no game wants, for the first times.
    NoteOrphan(u32),
}

impl Step {
    /// Whether the reading must be confirmed soon.
    pub const fn is_unsure(&self) -> bool {
        matches!(self, Self::NoteMissing(_) | Self::NoteOrphan(_))
    }
}

/// The steps, at most one a game. `orphans` counts the readings in a row that found each engine unwanted.
pub fn plan(
    wanted: &[Wanted],
    seen: &BTreeMap<GameId, Observed>,
    orphans: &BTreeMap<GameId, u32>,
) -> Vec<(GameId, Step)> {
    let known = wanted.iter().filter_map(|wanted| {
        let game = wanted.record.game_id;
        Some((game, step_for(wanted, seen.get(&game), orphans)?))
    });
    let unknown = seen.iter().filter_map(|(game, observed)| {
        let is_known = wanted.iter().any(|wanted| wanted.record.game_id == *game);
        if is_known || *observed == Observed::StateOnly {
            return None;
        }
        Some((*game, orphan(*game, orphans)))
    });
    known.chain(unknown).collect()
}

fn step_for(
    wanted: &Wanted,
    seen: Option<&Observed>,
    orphans: &BTreeMap<GameId, u32>,
) -> Option<Step> {
    let record = &wanted.record;
    if wanted.busy || record.status == RuntimeStatus::Starting {
        return None;
    }
    let is_there = matches!(
        seen,
        Some(Observed::Running(_) | Observed::ComingUp | Observed::Exited)
    );
    match record.status {
        status if status.has_engine() => must_run(record, seen),
        RuntimeStatus::Stopped => {
            matches!(seen, Some(Observed::Running(_) | Observed::ComingUp)).then_some(Step::Stop)
        }
        RuntimeStatus::Finished => is_there.then_some(Step::Remove),
        _ => is_there.then(|| orphan(record.game_id, orphans)),
    }
}

fn must_run(record: &Record, seen: Option<&Observed>) -> Option<Step> {
    let confirmed = |step: Step| {
        let readings = record.missing_readings + 1;
        if readings >= CONFIRMATIONS {
            step
        } else {
            Step::NoteMissing(readings)
        }
    };
    match seen {
        Some(Observed::Running(instance)) => {
            let same = record.container_id.as_ref() == Some(&instance.container_id)
                && record.endpoint.as_ref() == Some(&instance.endpoint);
            if !same {
                Some(Step::Adopt(instance.clone()))
            } else if record.missing_readings > 0 {
                Some(Step::ForgetMissing)
            } else {
                None
            }
        }
        Some(Observed::ComingUp) => None,
        Some(Observed::Exited) => Some(Step::Restart),
        Some(Observed::StateOnly) => Some(confirmed(Step::Restart)),
        None => Some(confirmed(Step::MarkGone)),
    }
}

fn orphan(game: GameId, orphans: &BTreeMap<GameId, u32>) -> Step {
    let readings = orphans.get(&game).copied().unwrap_or(0) + 1;
    if readings >= CONFIRMATIONS {
        Step::RemoveOrphan
    } else {
        Step::NoteOrphan(readings)
    }
}
