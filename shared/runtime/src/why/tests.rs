use galaxy_core::{EngineHealth, GameId, Op, OperationId, OperationStatus};

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn record() -> Record {
    Record {
        game_id: GameId::generate(),
        game_name: "Orion".to_owned(),
        node_id: Some("a".to_owned()),
        epoch: 1,
        container_id: Some("engine".to_owned()),
        status: RuntimeStatus::Running,
        image_ref: None,
        image_digest: None,
        engine_name: "galaxy".to_owned(),
        engine_version: None,
        options: serde_json::Map::new(),
        endpoint: "http://127.0.0.1:9000".parse().ok(),
        engine_token: None,
        seed: 1,
        turn_schedule: "0 18 * * *".to_owned(),
        time_zone: "UTC".to_owned(),
        current_turn: 4,
        next_turn_at: Some(at(900)),
        skip_next_tick: false,
        engine_health: EngineHealth::Healthy,
        missing_readings: 0,
        missing_since: None,
        exit_code: None,
        oom_killed: false,
        restarts: 0,
        restarted_at: None,
        last_error: None,
        version: 3,
        started_at: Some(at(-900)),
        paused_at: None,
        finished_at: None,
        last_observed_at: None,
        created_at: at(-900),
        updated_at: at(-900),
    }
}

fn operation(op: Op, status: OperationStatus) -> Operation {
    Operation {
        operation_id: OperationId::generate(),
        game_id: GameId::generate(),
        op,
        status,
        params: json!({}),
        requested_by: None,
        run_after: at(-5),
        attempt: 0,
        max_attempts: 5,
        waiting_for: None,
        lease_owner: None,
        lease_expires_at: None,
        created_at: at(-9),
        started_at: None,
        finished_at: None,
        error: None,
    }
}

fn node(id: &str) -> Node {
    Node {
        node_id: id.to_owned(),
        driver: "docker".to_owned(),
        name: format!("host {id}"),
        capacity: 2,
        engines: 1,
        heartbeat_at: at(0),
        listed_at: None,
        lost_at: None,
        draining: false,
        watched_by: None,
        created_at: at(-900),
    }
}

/// The explanation of a game that the lobby holds for running.
fn why(record: &Record, operations: &[Operation], nodes: &[Node]) -> Why {
    explain(&Facts {
        record: Some(record),
        operations,
        nodes,
        lobby: LobbyState::Running,
        now: at(0),
    })
}

fn with(change: impl FnOnce(&mut Record)) -> Record {
    let mut record = record();
    change(&mut record);
    record
}

#[test]
fn a_game_that_was_never_started_says_so() {
    let facts = Facts {
        record: None,
        operations: &[],
        nodes: &[],
        lobby: LobbyState::NotRunning,
        now: at(0),
    };
    assert_eq!(explain(&facts).code, "not_started");
}

#[test]
fn without_operations_the_record_says_what_stands_against_the_game() {
    let nodes = [node("a")];
    for (expected, record) in [
        ("schedule", record()),
        ("no_next_turn", with(|r| r.next_turn_at = None)),
        ("stopped", with(|r| r.status = RuntimeStatus::Stopped)),
        ("removed", with(|r| r.status = RuntimeStatus::Removed)),
        (
            "host_lost",
            with(|r| r.engine_health = EngineHealth::HostLost),
        ),
        ("engine_missing", with(|r| r.missing_since = Some(at(-3)))),
        (
            "engine_unreachable",
            with(|r| r.engine_health = EngineHealth::Unreachable),
        ),
        ("engine_unreachable", with(|r| r.endpoint = None)),
        (
            "generation_failed",
            with(|r| r.status = RuntimeStatus::GenerationFailed),
        ),
    ] {
        let why = why(&record, &[], &nodes);
        assert_eq!(why.code, expected, "{}", why.sentence);
        assert!(why.details.is_object());
        assert!(why.sentence.ends_with('.'), "{}", why.sentence);
    }
    let looping = with(|r| {
        r.engine_health = EngineHealth::CrashLoop;
        r.exit_code = Some(137);
        r.oom_killed = true;
        r.endpoint = None;
    });
    let why = why(&looping, &[], &nodes);
    assert_eq!(why.code, "crash_loop");
    assert_eq!(
        (&why.details["exit_code"], &why.details["oom"]),
        (&json!(137), &json!(true))
    );
}

#[test]
fn what_the_lobby_holds_the_game_for_must_fit_once_news_have_had_their_time() {
    let paused = with(|r| {
        r.status = RuntimeStatus::Paused;
        r.paused_at = Some(at(-900));
        r.next_turn_at = None;
    });
    let over = with(|r| r.finished_at = Some(at(-900)));
    let failed = with(|r| r.status = RuntimeStatus::StartFailed);
    let fresh = with(|r| {
        r.paused_at = Some(at(-5));
        r.updated_at = at(-5);
    });
    for (expected, record, lobby) in [
        ("paused", &paused, LobbyState::Paused),
        ("lobby_disagrees", &paused, LobbyState::Running),
        ("lobby_disagrees", &record(), LobbyState::Paused),
        ("lobby_disagrees", &record(), LobbyState::Over),
        ("finished", &over, LobbyState::Over),
        ("lobby_disagrees", &over, LobbyState::Running),
        ("start_failed", &failed, LobbyState::NotRunning),
        ("lobby_disagrees", &failed, LobbyState::Starting),
        ("paused", &fresh, LobbyState::Running),
    ] {
        let why = explain(&Facts {
            record: Some(record),
            operations: &[],
            nodes: &[],
            lobby,
            now: at(0),
        });
        assert_eq!(why.code, expected, "{lobby:?}: {}", why.sentence);
    }
}

#[test]
fn an_operation_says_who_holds_it_or_what_it_waits_for() {
    let (record, nodes) = (record(), [node("a")]);
    let mut running = operation(Op::Turn, OperationStatus::Running);
    running.lease_owner = Some("manager-1".to_owned());
    running.lease_expires_at = Some(at(20));
    let why_running = why(&record, &[running], &nodes);
    assert_eq!(why_running.code, "operation_running");
    assert_eq!(why_running.details["owner"], "manager-1");

    let mut parked = operation(Op::Restart, OperationStatus::Queued);
    parked.waiting_for = Some("the image, 40 %".to_owned());
    let why_parked = why(&record, &[parked], &nodes);
    assert_eq!(why_parked.code, "operation_parked");
    assert!(why_parked.sentence.contains("the image, 40 %"));

    let queued = operation(Op::Patch, OperationStatus::Queued);
    assert_eq!(why(&record, &[queued], &nodes).code, "operation_queued");
}

#[test]
fn a_banishment_that_waits_hides_no_trouble() {
    let banish = [operation(Op::Banish, OperationStatus::Queued)];
    let hung = with(|r| r.engine_health = EngineHealth::Unreachable);
    assert_eq!(why(&hung, &banish, &[node("a")]).code, "engine_unreachable");
    assert_eq!(
        why(&record(), &banish, &[node("a")]).code,
        "operation_queued"
    );
}

#[test]
fn an_operation_that_no_node_can_do_names_the_reason() {
    let lost = |id| Node {
        lost_at: Some(at(-600)),
        ..node(id)
    };
    let draining = Node {
        draining: true,
        ..node("b")
    };
    let full = Node {
        engines: 2,
        ..node("b")
    };
    let nowhere = with(|r| {
        r.node_id = None;
        r.status = RuntimeStatus::Starting;
    });
    let start = [operation(Op::Start, OperationStatus::Queued)];
    let restart = [operation(Op::Restart, OperationStatus::Queued)];
    for (expected, record, operations, nodes) in [
        (
            Some("heard of host a"),
            record(),
            &restart,
            vec![lost("a"), node("b")],
        ),
        (
            Some("no runtime manager"),
            nowhere.clone(),
            &start,
            vec![lost("a")],
        ),
        (
            Some("draining"),
            nowhere.clone(),
            &start,
            vec![lost("a"), draining.clone()],
        ),
        (Some("full"), nowhere.clone(), &start, vec![draining, full]),
        (None, nowhere, &start, vec![node("b")]),
    ] {
        let why = why(&record, operations, &nodes);
        let waits = why.code == "operation_waits_for_node";
        assert_eq!(waits, expected.is_some(), "{}", why.sentence);
        assert!(
            why.sentence.contains(expected.unwrap_or_default()),
            "{}",
            why.sentence
        );
    }
}
