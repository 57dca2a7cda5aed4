use galaxy_core::EngineHealth;

use super::*;

const NODE: &str = "node-a";

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn instance(port: u16, epoch: i64) -> Instance {
    Instance {
        container_id: format!("engine-{port}"),
        endpoint: format!("http://127.0.0.1:{port}").parse().unwrap(),
        epoch,
        digest: "sha256:1".to_owned(),
        version: "1.0.0".to_owned(),
    }
}

fn exit(epoch: i64) -> Exit {
    Exit {
        epoch,
        code: Some(1),
        oom: false,
        at: None,
    }
}

/// A record of epoch 2 on the node, whose engine listens on port 1.
fn record(status: RuntimeStatus) -> Record {
    let at = Timestamp::UNIX_EPOCH;
    let finished = matches!(status, RuntimeStatus::Finished).then_some(at);
    Record {
        game_id: GameId::generate(),
        game_name: "A game".to_owned(),
        node_id: Some(NODE.to_owned()),
        epoch: 2,
        container_id: Some(instance(1, 2).container_id),
        status,
        image_ref: None,
        image_digest: None,
        engine_name: "galaxy".to_owned(),
        engine_version: None,
        options: serde_json::Map::new(),
        endpoint: Some(instance(1, 2).endpoint),
        engine_token: None,
        seed: 0,
        turn_schedule: "0 * * * *".to_owned(),
        time_zone: "UTC".to_owned(),
        current_turn: 0,
        next_turn_at: None,
        skip_next_tick: false,
        engine_health: EngineHealth::Healthy,
        missing_readings: 0,
        missing_since: None,
        exit_code: None,
        oom_killed: false,
        restarts: 0,
        restarted_at: None,
        last_error: None,
        version: 1,
        started_at: Some(at),
        paused_at: None,
        finished_at: finished,
        last_observed_at: None,
        created_at: at,
        updated_at: at,
    }
}

fn planned(records: &[Record], seen: &HashMap<GameId, Sight>, complete: bool) -> Plan {
    let reading = Reading {
        node: NODE.to_owned(),
        seen: seen.clone(),
        complete,
        now: now(),
    };
    plan(reading, records, &HashSet::new(), &Unexplained::new())
}

fn plan(
    reading: Reading,
    records: &[Record],
    busy: &HashSet<GameId>,
    unexplained: &Unexplained,
) -> Plan {
    let mut comparison = Comparison::new(reading, unexplained);
    comparison.add(records.to_vec(), busy);
    comparison.finish()
}

fn step(record: &Record, sight: Option<Sight>) -> Option<Step> {
    let seen = sight
        .map(|sight| (record.game_id, sight))
        .into_iter()
        .collect();
    let mut steps = planned(std::slice::from_ref(record), &seen, true).steps;
    assert!(steps.len() <= 1);
    steps.pop().map(|(_, step)| step)
}

fn pending(epoch: i64) -> Sight {
    Sight::Pending {
        epoch,
        why: "it comes up".to_owned(),
    }
}

fn every_sight() -> Vec<Option<Sight>> {
    vec![
        None,
        Some(Sight::StateOnly),
        Some(Sight::Exited(exit(2))),
        Some(pending(2)),
        Some(Sight::Running(instance(1, 2))),
        Some(Sight::Running(instance(9, 2))),
        Some(Sight::Unknown("?".to_owned())),
    ]
}

#[test]
fn every_status_and_every_sight_has_its_step() {
    use RuntimeStatus as S;
    let adopt = || Some(Step::Adopt(instance(9, 2)));
    let report = || Some(Step::Report);
    for status in RuntimeStatus::ALL {
        let expected = match status {
            S::Running
            | S::GenerationInProgress
            | S::GenerationFailed
            | S::EngineUnreachable
            | S::Paused => [
                Some(Step::NoteMissing(1)),
                Some(Step::NoteMissing(1)),
                Some(Step::Revive(exit(2))),
                None,
                None,
                adopt(),
                None,
            ],
            S::Starting => [const { None }; 7],
            S::Stopped => {
                let stop = || Some(Step::Stop);
                [None, None, None, stop(), stop(), stop(), None]
            }
            S::Finished => {
                let remove = || Some(Step::Remove);
                [None, None, remove(), remove(), remove(), remove(), None]
            }
            // Given up although the game goes on: it heals.
            S::Removed => [
                None,
                Some(Step::Remake),
                Some(Step::Remake),
                None,
                Some(Step::Adopt(instance(1, 2))),
                adopt(),
                None,
            ],
            S::StartFailed => [None, None, report(), report(), report(), report(), None],
        };
        for (sight, expected) in every_sight().into_iter().zip(expected) {
            assert_eq!(
                step(&record(*status), sight.clone()),
                expected,
                "{status} {sight:?}"
            );
        }
    }
}

#[test]
fn nothing_is_planned_for_a_game_whose_operation_is_on_its_way() {
    for status in RuntimeStatus::ALL {
        for sight in every_sight().into_iter().flatten() {
            let record = record(*status);
            let seen = HashMap::from([(record.game_id, sight)]);
            let busy = HashSet::from([record.game_id]);
            let reading = Reading {
                node: NODE.to_owned(),
                seen,
                complete: true,
                now: now(),
            };
            let plan = plan(reading, &[record], &busy, &Unexplained::new());
            assert_eq!(plan, Plan::default(), "{status}");
        }
    }
}

#[test]
fn absence_counts_after_three_readings_and_thirty_seconds_of_complete_listings() {
    let mut missing = record(RuntimeStatus::Running);
    missing.missing_readings = 7;
    missing.missing_since = Some(now() - SignedDuration::from_secs(29));
    assert_eq!(step(&missing, None), Some(Step::NoteMissing(8)));
    missing.missing_since = Some(now() - MISSING_FOR);
    assert_eq!(step(&missing, None), Some(Step::MarkGone));
    assert_eq!(step(&missing, Some(Sight::StateOnly)), Some(Step::Remake));
    assert_eq!(
        step(&missing, Some(Sight::Running(instance(1, 2)))),
        Some(Step::ForgetMissing)
    );
    let incomplete = planned(std::slice::from_ref(&missing), &HashMap::new(), false);
    assert_eq!(incomplete, Plan::default());
    missing.missing_readings = 1;
    assert_eq!(step(&missing, None), Some(Step::NoteMissing(2)));
}

#[test]
fn nothing_is_concluded_when_many_engines_are_missing_at_once() {
    let records: Vec<Record> = (0..30).map(|_| record(RuntimeStatus::Running)).collect();
    let without = |missing: usize| -> HashMap<GameId, Sight> {
        let there = records.iter().skip(missing);
        there
            .map(|record| (record.game_id, Sight::Running(instance(1, 2))))
            .collect()
    };
    let six = planned(&records, &without(6), true);
    assert_eq!((six.steps.len(), six.braked), (6, 0), "one in five");
    let seven = planned(&records, &without(7), true);
    assert_eq!((seven.steps.len(), seven.braked), (0, 7));
    let few = planned(&records[..3], &HashMap::new(), true);
    assert_eq!((few.steps.len(), few.braked), (3, 0), "three are few");
}

#[test]
fn an_engine_of_an_older_epoch_is_replaced_here_and_removed_elsewhere() {
    let here = record(RuntimeStatus::Running);
    let old = Some(Sight::Running(instance(1, 1)));
    assert!(matches!(step(&here, old.clone()), Some(Step::Revive(exit)) if exit.epoch == 1));
    let mut moved = record(RuntimeStatus::Running);
    moved.node_id = Some("node-b".to_owned());
    assert_eq!(step(&moved, old), Some(Step::Report));
    let copy = Some(Sight::Running(instance(1, 2)));
    assert_eq!(
        step(&moved, copy),
        Some(Step::Report),
        "a copy of what runs elsewhere is not adopted"
    );
    assert_eq!(
        step(&moved, None),
        None,
        "what is elsewhere is not missing here"
    );
}

#[test]
fn an_engine_without_a_record_is_reported_for_an_hour_and_bare_state_is_kept() {
    let game = GameId::generate();
    let plan_after = |readings, since: SignedDuration, sight| {
        let seen = HashMap::from([(game, sight)]);
        let unexplained = HashMap::from([(game, (readings, now() - since))]);
        let reading = Reading {
            node: NODE.to_owned(),
            seen,
            complete: true,
            now: now(),
        };
        plan(reading, &[], &HashSet::new(), &unexplained).steps
    };
    let minute = SignedDuration::from_mins(1);
    assert_eq!(
        plan_after(99, minute, Sight::Exited(exit(4))),
        [(game, Step::Report)]
    );
    assert_eq!(
        plan_after(1, REPORT_FOR, Sight::Exited(exit(4))),
        [(game, Step::Report)]
    );
    assert_eq!(
        plan_after(CONFIRMATIONS, REPORT_FOR, Sight::Exited(exit(4))),
        [(game, Step::RemoveUnexplained(4))]
    );
    assert_eq!(plan_after(99, REPORT_FOR, Sight::StateOnly), []);
}

#[test]
fn a_crash_loop_is_left_alone() {
    let mut given_up = record(RuntimeStatus::EngineUnreachable);
    given_up.engine_health = EngineHealth::CrashLoop;
    assert_eq!(step(&given_up, Some(Sight::Exited(exit(2)))), None);
}

#[test]
fn a_record_of_a_version_before_nodes_is_where_it_is_seen() {
    let mut old = record(RuntimeStatus::Running);
    old.node_id = None;
    old.epoch = 0;
    let running = Sight::Running(instance(1, 0));
    assert_eq!(step(&old, Some(running)), Some(Step::Adopt(instance(1, 0))));
    assert_eq!(step(&old, Some(Sight::StateOnly)), Some(Step::Remake));
    assert_eq!(step(&old, None), None);
}

#[test]
fn pages_of_records_give_the_plan_of_all_at_once() {
    let records = [RuntimeStatus::Running; 9].map(record);
    let seen = records[3..].iter().map(|r| r.game_id).zip([
        Sight::Exited(exit(2)),
        Sight::Running(instance(9, 2)),
        pending(2),
    ]);
    let seen: HashMap<GameId, Sight> = seen.collect();
    let at_once = planned(&records, &seen, true);
    assert_eq!((at_once.steps.len(), at_once.braked), (2, 6));
    let (node, now, unexplained) = (NODE.to_owned(), now(), Unexplained::new());
    let reading = Reading {
        node,
        seen,
        complete: true,
        now,
    };
    let mut comparison = Comparison::new(reading, &unexplained);
    for page in records.chunks(2) {
        comparison.add(page.to_vec(), &HashSet::new());
    }
    assert!(comparison.left().is_empty());
    assert_eq!(comparison.finish(), at_once);
}
