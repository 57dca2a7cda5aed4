//! What to do about differences between what should run and what does: a pure function, for every pair of both.

use std::collections::BTreeMap;

use galaxy_core::{GameId, RuntimeStatus};
use galaxy_runtime::Record;

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

#[cfg(test)]
mod tests {
    use galaxy_core::{EngineHealth, Timestamp};

    use super::*;

    fn instance(port: u16) -> Instance {
        Instance {
            container_id: format!("engine-{port}"),
            endpoint: format!("http://127.0.0.1:{port}").parse().unwrap(),
        }
    }

    fn wanted(status: RuntimeStatus) -> Wanted {
        let at = Timestamp::UNIX_EPOCH;
        let record = Record {
            game_id: GameId::generate(),
            game_name: "A game".to_owned(),
            container_id: Some(instance(1).container_id),
            status,
            image_ref: None,
            engine_version: None,
            endpoint: Some(instance(1).endpoint),
            seed: 0,
            turn_schedule: "0 * * * *".to_owned(),
            time_zone: "UTC".to_owned(),
            current_turn: 0,
            next_turn_at: None,
            skip_next_tick: false,
            engine_health: EngineHealth::Healthy,
            missing_readings: 0,
            last_error: None,
            version: 1,
            started_at: None,
            paused_at: None,
            finished_at: None,
            last_observed_at: None,
            created_at: at,
            updated_at: at,
        };
        Wanted {
            record,
            busy: false,
        }
    }

    fn step(wanted: &Wanted, seen: Option<Observed>) -> Option<Step> {
        let game = wanted.record.game_id;
        let seen = seen.map(|seen| (game, seen)).into_iter().collect();
        let mut steps = plan(std::slice::from_ref(wanted), &seen, &BTreeMap::new());
        assert!(steps.len() <= 1);
        steps.pop().map(|(_, step)| step)
    }

    fn every_sight() -> Vec<Option<Observed>> {
        vec![
            None,
            Some(Observed::StateOnly),
            Some(Observed::Exited),
            Some(Observed::ComingUp),
            Some(Observed::Running(instance(1))),
            Some(Observed::Running(instance(2))),
        ]
    }

    #[test]
    fn every_status_and_every_sight_has_its_step() {
        use RuntimeStatus as S;
        let playing = [
            Some(Step::NoteMissing(1)),
            Some(Step::NoteMissing(1)),
            Some(Step::Restart),
            None,
            None,
            Some(Step::Adopt(instance(2))),
        ];
        let orphan = || Some(Step::NoteOrphan(1));
        for status in RuntimeStatus::ALL {
            let expected = match status {
                S::Running
                | S::GenerationInProgress
                | S::GenerationFailed
                | S::EngineUnreachable
                | S::Paused => playing.clone(),
                S::Starting => [const { None }; 6],
                S::Stopped => [
                    None,
                    None,
                    None,
                    Some(Step::Stop),
                    Some(Step::Stop),
                    Some(Step::Stop),
                ],
                S::Finished => {
                    let remove = || Some(Step::Remove);
                    [None, None, remove(), remove(), remove(), remove()]
                }
                S::Removed | S::StartFailed => [None, None, orphan(), orphan(), orphan(), orphan()],
            };
            for (seen, expected) in every_sight().into_iter().zip(expected) {
                assert_eq!(
                    step(&wanted(*status), seen.clone()),
                    expected,
                    "{status} {seen:?}"
                );
            }
        }
    }

    #[test]
    fn nothing_is_planned_for_a_game_whose_operation_is_on_its_way() {
        for status in RuntimeStatus::ALL {
            for seen in every_sight() {
                let busy = Wanted {
                    busy: true,
                    ..wanted(*status)
                };
                assert_eq!(step(&busy, seen.clone()), None, "{status} {seen:?}");
            }
        }
    }

    #[test]
    fn an_engine_is_given_up_or_made_anew_after_three_readings_and_forgiven_after_one() {
        let mut missing = wanted(RuntimeStatus::Running);
        missing.record.missing_readings = CONFIRMATIONS - 1;
        assert_eq!(step(&missing, None), Some(Step::MarkGone));
        assert_eq!(
            step(&missing, Some(Observed::StateOnly)),
            Some(Step::Restart)
        );
        let back = Some(Observed::Running(instance(1)));
        assert_eq!(step(&missing, back), Some(Step::ForgetMissing));
    }

    #[test]
    fn an_engine_without_a_game_is_removed_after_three_readings_but_bare_state_is_kept() {
        let game = GameId::generate();
        let plan_after = |readings, observed| {
            let seen = BTreeMap::from([(game, observed)]);
            plan(&[], &seen, &BTreeMap::from([(game, readings)]))
        };
        assert_eq!(
            plan_after(0, Observed::Exited),
            [(game, Step::NoteOrphan(1))]
        );
        assert_eq!(
            plan_after(CONFIRMATIONS - 1, Observed::Exited),
            [(game, Step::RemoveOrphan)]
        );
        assert_eq!(plan_after(CONFIRMATIONS, Observed::StateOnly), []);
    }
}
