//! What to do about differences between what should run on a node and what does: rules, without a look at anything.
//!
//! An error is not an absence, and one listing is not a proof: absence counts after [`CONFIRMATIONS`] complete listings over
//! [`MISSING_FOR`], and if many engines are missing at once nothing is concluded from it.

use std::collections::{HashMap, HashSet};

use galaxy_core::{EngineHealth, GameId, RuntimeStatus, Timestamp};
use galaxy_drivers::{Exit, Instance, Sight};
use galaxy_runtime::Record;
use jiff::SignedDuration;

/// Listings in a row that must miss an engine, or show an unwanted one, before anything follows.
pub const CONFIRMATIONS: u32 = 3;
/// How long an engine must be missing before anything follows.
pub const MISSING_FOR: SignedDuration = SignedDuration::from_secs(30);
/// How long an engine that no record explains is only reported.
pub const REPORT_FOR: SignedDuration = SignedDuration::from_hours(1);
/// As many engines may be missing at once, whatever their share.
const MISSING_AT_ONCE: usize = 3;
/// The share of a node's engines that may be missing at once: one in so many.
const MISSING_SHARE: usize = 5;

/// One reading of the node.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The node.
    pub node: String,
    /// What was seen; a game of which nothing is left is not in it.
    pub seen: HashMap<GameId, Sight>,
    /// Whether all that is there was seen.
    pub complete: bool,
    /// The time.
    pub now: Timestamp,
}

/// Engines that no record explains: since when, and in how many listings in a row.
pub type Unexplained = HashMap<GameId, (u32, Timestamp)>;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Note another name, address or node of an engine that runs, or that it is there after all.
    Adopt(Instance),
    /// Start an engine that ended by itself again.
    Revive(Exit),
    /// Make an engine anew whose state is there.
    Remake,
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
    /// Report an engine that no record explains.
    Report,
    /// Remove such an engine of this epoch or an older one; its state stays.
    RemoveUnexplained(i64),
}

impl Step {
    /// Whether the reading must be confirmed soon.
    pub const fn is_unsure(&self) -> bool {
        matches!(self, Self::NoteMissing(_) | Self::Report)
    }

    const fn is_about_absence(&self) -> bool {
        matches!(self, Self::NoteMissing(_) | Self::MarkGone | Self::Remake)
    }
}

/// The steps, at most one a game.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// What to do.
    pub steps: Vec<(GameId, Step)>,
    /// So many engines are missing at once that nothing was concluded from it; 0 if not.
    pub braked: usize,
}

/// A reading that is compared with its records page by page, so that no thread is kept for long. Linear in records and
/// engines.
pub struct Comparison<'a> {
    /// What was seen of games whose record was compared is taken out.
    reading: Reading,
    unexplained: &'a Unexplained,
    /// Engines that should run here.
    expected: usize,
    steps: Vec<(GameId, Step)>,
}

impl<'a> Comparison<'a> {
    /// Nothing is compared yet.
    pub fn new(reading: Reading, unexplained: &'a Unexplained) -> Self {
        Self {
            reading,
            unexplained,
            expected: 0,
            steps: vec![],
        }
    }

    /// Compares `records`, which were read after the listing, each once. Nothing is planned for a game in `busy`: what its
    /// operation will leave is not known yet. Gives the records that something is planned for.
    pub fn add(&mut self, mut records: Vec<Record>, busy: &HashSet<GameId>) -> Vec<Record> {
        records.retain(|record| {
            let sight = self.reading.seen.remove(&record.game_id);
            let expected = record.status.has_engine() && is_here(record, &self.reading);
            self.expected += usize::from(expected);
            if busy.contains(&record.game_id) {
                return false;
            }
            let step = step_for(&self.reading, record, sight.as_ref(), self.unexplained);
            let planned = step.is_some();
            self.steps.extend(step.map(|step| (record.game_id, step)));
            planned
        });
        records
    }

    /// The games that were seen, and whose records were not compared.
    pub fn left(&self) -> Vec<GameId> {
        self.reading.seen.keys().copied().collect()
    }

    /// The plan, after all records there are.
    pub fn finish(self) -> Plan {
        let Self {
            reading,
            unexplained,
            expected,
            mut steps,
        } = self;
        let unknown = reading.seen.iter().filter_map(|(game, sight)| {
            let step = report(&reading, *game, sight.epoch()?, REPORT_FOR, unexplained);
            Some((*game, step))
        });
        steps.extend(unknown);
        let missing = steps
            .iter()
            .filter(|(_, step)| step.is_about_absence())
            .count();
        let braked = if missing > MISSING_AT_ONCE.max(expected / MISSING_SHARE) {
            steps.retain(|(_, step)| !step.is_about_absence());
            missing
        } else {
            0
        };
        Plan { steps, braked }
    }
}

fn is_here(record: &Record, reading: &Reading) -> bool {
    record.node_id.as_deref() == Some(&reading.node)
}

fn step_for(
    reading: &Reading,
    record: &Record,
    sight: Option<&Sight>,
    unexplained: &Unexplained,
) -> Option<Step> {
    if record.status == RuntimeStatus::Starting || matches!(sight, Some(Sight::Unknown(_))) {
        return None;
    }
    let here = is_here(record, reading);
    if let Some(epoch) = sight.and_then(Sight::epoch) {
        let elsewhere = !here && record.node_id.is_some();
        if epoch < record.epoch && (elsewhere || !record.status.has_engine()) {
            // Made before the engine that counts: nobody's any more.
            let soon = SignedDuration::ZERO;
            return Some(report(reading, record.game_id, epoch, soon, unexplained));
        }
        if epoch > record.epoch || elsewhere {
            return Some(report(
                reading,
                record.game_id,
                epoch,
                REPORT_FOR,
                unexplained,
            ));
        }
    }
    match record.status {
        status if status.has_engine() && here => must_run(reading, record, sight),
        // Of a version before nodes: it is where it is seen.
        status if status.has_engine() => match sight? {
            Sight::Running(instance) => Some(Step::Adopt(instance.clone())),
            Sight::Exited(_) | Sight::StateOnly if record.node_id.is_none() => Some(Step::Remake),
            _ => None,
        },
        RuntimeStatus::Removed if record.is_lost() => match sight? {
            Sight::Running(instance) => Some(Step::Adopt(instance.clone())),
            Sight::Exited(_) | Sight::StateOnly => Some(Step::Remake),
            _ => None,
        },
        RuntimeStatus::Stopped => runs(sight).then_some(Step::Stop),
        RuntimeStatus::Finished => sight.and_then(Sight::epoch).map(|_| Step::Remove),
        _ => {
            let epoch = sight.and_then(Sight::epoch)?;
            let soon = SignedDuration::ZERO;
            Some(report(reading, record.game_id, epoch, soon, unexplained))
        }
    }
}

fn runs(sight: Option<&Sight>) -> bool {
    matches!(sight, Some(Sight::Running(_) | Sight::Pending { .. }))
}

fn must_run(reading: &Reading, record: &Record, sight: Option<&Sight>) -> Option<Step> {
    match sight {
        Some(Sight::Running(instance)) if instance.epoch == record.epoch => {
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
        // An older one, left by an operation that ended before its own engine was made.
        Some(Sight::Running(instance)) => revive(
            record,
            &Exit {
                epoch: instance.epoch,
                code: None,
                oom: false,
                at: None,
            },
        ),
        Some(Sight::Exited(exit)) => revive(record, exit),
        Some(Sight::Pending { .. } | Sight::Unknown(_)) => None,
        Some(Sight::StateOnly) => missing(reading, record, Step::Remake),
        Some(Sight::Absent) | None => missing(reading, record, Step::MarkGone),
    }
}

fn revive(record: &Record, exit: &Exit) -> Option<Step> {
    (record.engine_health != EngineHealth::CrashLoop).then(|| Step::Revive(exit.clone()))
}

/// `then`, once the engine was missing often and long enough.
fn missing(reading: &Reading, record: &Record, then: Step) -> Option<Step> {
    if !reading.complete {
        return None;
    }
    let readings = record.missing_readings + 1;
    let long = record
        .missing_since
        .is_some_and(|since| reading.now.duration_since(since) >= MISSING_FOR);
    if readings >= CONFIRMATIONS && long {
        Some(then)
    } else {
        Some(Step::NoteMissing(readings))
    }
}

fn report(
    reading: &Reading,
    game: GameId,
    epoch: i64,
    for_long: SignedDuration,
    unexplained: &Unexplained,
) -> Step {
    let confirmed = unexplained.get(&game).is_some_and(|(readings, since)| {
        readings + 1 >= CONFIRMATIONS && reading.now.duration_since(*since) >= for_long
    });
    if confirmed {
        Step::RemoveUnexplained(epoch)
    } else {
        Step::Report
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
