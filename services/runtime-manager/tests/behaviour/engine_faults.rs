//! Engines that misbehave, and what becomes of their games.

use std::time::Duration;

use galaxy_core::{FailureCode, Incident, OperationStatus, RuntimeStatus};
use galaxy_drivers::Sight;
use galaxy_events::catalogue::runtime::{EngineIncident, GenerationFailed, TurnGenerated};
use galaxy_runtime::{patch, pause, turn};
use jiff::SignedDuration;
use serde_json::json;
use sqlx::PgPool;

use crate::stage::{Game, RACES, SHORT, Stage};

const CALL_LIMIT: Duration = Duration::from_secs(5);

async fn turns(stage: &Stage) -> Vec<u32> {
    let events = stage.world.events::<TurnGenerated>().await;
    events.iter().map(|event| event.turn).collect()
}

pub fn on(call: &str, fault: &serde_json::Value) -> serde_json::Value {
    json!({ "calls": [{ "on": call, "fault": fault }] })
}

/// Forces a turn that must fail for good, and gives its error.
pub async fn failed_turn(stage: &Stage, game: &Game) -> String {
    stage.force_turn(game).await.unwrap();
    stage.work_with_retries().await;
    let record = stage.record(game).await;
    assert_eq!(
        (record.status, record.next_turn_at),
        (RuntimeStatus::GenerationFailed, None)
    );
    assert!(record.paused_at.is_some());
    assert_eq!(stage.world.events::<GenerationFailed>().await.len(), 1);
    record.last_error.unwrap()
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_turn_that_is_not_the_one_asked_for_is_not_believed(pool: PgPool) {
    let stage = Stage::faulty(pool, CALL_LIMIT).await;
    let game = stage.faulty_game().await;
    stage.spoil(&game, &on("turn", &json!({ "turns_ahead": 3 })));
    let error = failed_turn(&stage, &game).await;
    assert!(error.contains("the engine is on turn 4"), "{error}");
    assert_eq!(stage.record(&game).await.current_turn, 0);
    assert_eq!(turns(&stage).await, [0_u32; 0]);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_turn_number_that_no_game_reaches_is_no_answer(pool: PgPool) {
    let stage = Stage::faulty(pool, CALL_LIMIT).await;
    let game = stage.faulty_game().await;
    stage.spoil(
        &game,
        &on("any", &json!({ "merge": { "turn": 3_000_000_000_u32 } })),
    );
    let error = failed_turn(&stage, &game).await;
    assert!(error.contains("turn 3000000000"), "{error}");
    assert_eq!(stage.record(&game).await.current_turn, 0);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_operator_takes_the_engines_turn(pool: PgPool) {
    let stage = Stage::faulty(pool, CALL_LIMIT).await;
    let game = stage.faulty_game().await;
    let address = stage.engine(&game).await;
    let engine = galaxy_runtime::engine::EngineClient::default();
    for turn in 1..=3 {
        engine.turn(&address, turn).await.unwrap();
    }
    let error = failed_turn(&stage, &game).await;
    assert!(error.contains("take the engine's turn"), "{error}");
    let mut tx = stage.world.db.begin().await.unwrap();
    turn::take_engines(&mut tx, game.id, "test", stage.world.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    stage.work().await;
    let record = stage.record(&game).await;
    assert_eq!(
        (record.current_turn, record.status),
        (3, RuntimeStatus::Paused)
    );
    assert_eq!(turns(&stage).await, [3]);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_status_with_other_players_fails_the_turn(pool: PgPool) {
    let stage = Stage::faulty(pool, CALL_LIMIT).await;
    let game = stage.faulty_game().await;
    stage.spoil(&game, &on("turn", &json!({ "roster": "missing" })));
    let error = failed_turn(&stage, &game).await;
    assert!(error.contains("other players than the game has"), "{error}");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_answer_that_asks_for_another_try_costs_no_game(pool: PgPool) {
    let stage = Stage::faulty(pool, CALL_LIMIT).await;
    let game = stage.faulty_game().await;
    for (turn, status) in (1..).zip([408, 425, 429, 500]) {
        let busy = json!({ "answer": { "status": status } });
        let rule = json!({ "calls": [{ "on": "turn", "times": 1, "fault": busy }] });
        stage.spoil(&game, &rule);
        stage.force_turn(&game).await.unwrap();
        stage.work_with_retries().await;
        assert_eq!(stage.record(&game).await.current_turn, turn, "{status}");
        assert_eq!(stage.last_operation(&game).await.attempt, 1, "{status}");
        stage.spoil(&game, &json!({}));
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_engine_that_is_stuck_in_its_turn_is_replaced(pool: PgPool) {
    let stage = Stage::faulty(pool, SHORT).await;
    let game = stage.faulty_game().await;
    let before = stage.record(&game).await.epoch;
    stage.spoil(
        &game,
        &json!({ "calls": [{ "on": "turn", "times": 2, "fault": "hang" }] }),
    );
    stage.force_turn(&game).await.unwrap();
    stage.work().await;
    stage.spoil(
        &game,
        &json!({ "calls": [{ "on": "turn", "times": 2, "fault": "hang" }] }),
    );
    stage.pass(SignedDuration::from_mins(2));
    stage.work().await;
    assert_eq!(
        stage.record(&game).await.status,
        RuntimeStatus::GenerationInProgress,
        "it is tried again"
    );
    stage.spoil(&game, &json!({}));
    stage.work_with_retries().await;
    assert_eq!(turns(&stage).await, [1]);
    let record = stage.record(&game).await;
    assert_eq!(
        (record.status, record.epoch),
        (RuntimeStatus::Running, before + 1)
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_turn_whose_answer_was_lost_is_not_generated_again(pool: PgPool) {
    let stage = Stage::faulty(pool, CALL_LIMIT).await;
    let game = stage.faulty_game().await;
    stage.spoil(
        &game,
        &json!({ "calls": [{ "on": "turn", "times": 1, "fault": "cut_after" }] }),
    );
    stage.force_turn(&game).await.unwrap();
    stage.work_with_retries().await;
    assert_eq!(turns(&stage).await, [1]);
    assert_eq!(stage.status(&game).await.turn, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_failed_turn_that_the_engine_has_after_all_is_written_on_resumption(pool: PgPool) {
    let stage = Stage::faulty(pool, CALL_LIMIT).await;
    let game = stage.faulty_game().await;
    let broken = json!({ "answer_after": { "status": 422, "body": "{}" } });
    stage.spoil(&game, &on("turn", &broken));
    failed_turn(&stage, &game).await;
    stage.spoil(&game, &json!({}));
    let mut tx = stage.world.db.begin().await.unwrap();
    pause::resume(&mut tx, game.id, stage.world.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    stage.work().await;
    assert_eq!(turns(&stage).await, [1], "it does not cost the next period");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_failed_turn_is_tried_again_while_the_game_stands_still(pool: PgPool) {
    let stage = Stage::faulty(pool, CALL_LIMIT).await;
    let game = stage.faulty_game().await;
    stage.spoil(
        &game,
        &on(
            "turn",
            &json!({ "answer": { "status": 422, "body": "{}" } }),
        ),
    );
    failed_turn(&stage, &game).await;
    stage.spoil(&game, &json!({}));
    let mut tx = stage.world.db.begin().await.unwrap();
    turn::retry(&mut tx, game.id, "test", stage.world.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    stage.work().await;
    assert_eq!(turns(&stage).await, [1]);
    let record = stage.record(&game).await;
    assert_eq!(
        (record.status, record.next_turn_at),
        (RuntimeStatus::Paused, None)
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_engine_that_ends_during_its_turn_is_brought_up_for_it(pool: PgPool) {
    let stage = Stage::faulty(pool, CALL_LIMIT).await;
    let game = stage.faulty_game().await;
    stage.spoil(
        &game,
        &json!({ "calls": [{ "on": "turn", "times": 1, "fault": { "exit": 3 } }] }),
    );
    stage.force_turn(&game).await.unwrap();
    stage.work().await;
    stage.spoil(&game, &json!({}));
    stage.work_with_retries().await;
    assert_eq!(turns(&stage).await, [1]);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_long_turn_parks_its_operation(pool: PgPool) {
    let stage = Stage::faulty(pool, CALL_LIMIT).await;
    let game = stage.faulty_game().await;
    stage.spoil(
        &game,
        &json!({
            "calls": [{ "on": "turn", "times": 1, "fault": "generating" },
                      { "on": "status", "times": 1, "fault": "generating" }]
        }),
    );
    stage.force_turn(&game).await.unwrap();
    stage.work_with_retries().await;
    let operation = stage.last_operation(&game).await;
    assert_eq!(
        (operation.status, operation.attempt),
        (OperationStatus::Succeeded, 0),
        "{:?}",
        operation.error
    );
    assert_eq!(turns(&stage).await, [1]);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_patch_that_does_not_come_up_leaves_the_version_before(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    stage.force_turn(&game).await.unwrap();
    stage.work().await;
    stage.version("0.1.2", "process:/bin/false").await;
    let mut tx = stage.world.db.begin().await.unwrap();
    let now = stage.world.clock.now();
    patch::request(&mut tx, game.id, "0.1.2", "test", now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    stage.work_with_retries().await;
    let record = stage.record(&game).await;
    assert_eq!(
        (record.engine_version.as_deref(), record.status),
        (Some("0.1.0"), RuntimeStatus::Running)
    );
    let Sight::Running(instance) = stage.sight(&game).await else {
        panic!("the version before runs");
    };
    assert_eq!(instance.version, "0.1.0");
    assert_eq!(stage.status(&game).await.turn, 1);
    let told = stage.world.events::<EngineIncident>().await;
    assert_eq!(
        (told.len(), told[0].incident.known()),
        (1, Some(Incident::PatchFailed))
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_patch_whose_image_is_missing_never_stops_the_engine(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    let before = stage.record(&game).await.container_id;
    stage.version("0.1.1", "process:/nowhere/engine").await;
    let mut tx = stage.world.db.begin().await.unwrap();
    let now = stage.world.clock.now();
    patch::request(&mut tx, game.id, "0.1.1", "test", now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    stage.work().await;
    let Sight::Running(instance) = stage.sight(&game).await else {
        panic!("the engine runs on");
    };
    assert_eq!(Some(instance.container_id), before);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_start_with_a_turn_that_is_not_the_first_is_refused(pool: PgPool) {
    let stage = Stage::faulty(pool, CALL_LIMIT).await;
    let wrapper = stage.directory.path().join("ahead");
    let faults = on("init", &json!({ "turns_ahead": 3 }));
    Stage::wrap_faulty(&wrapper, &faults);
    stage
        .version("0.1.2", &format!("process:{}", wrapper.display()))
        .await;
    let game = stage.queued_game_of(&RACES, Some("0.1.2")).await;
    stage.work_with_retries().await;
    let record = stage.record(&game).await;
    assert_eq!(record.status, RuntimeStatus::StartFailed);
    let error = record.last_error.unwrap();
    assert!(
        error.starts_with(FailureCode::InitRejected.as_str()),
        "{error}"
    );
    assert!(error.contains("begins with turn 3"), "{error}");
}
