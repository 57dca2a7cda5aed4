//! Turns: by the schedule and by force, once each, whatever dies.

use galaxy_core::{OperationStatus, RuntimeStatus};
use galaxy_events::catalogue::runtime::{GenerationFailed, TurnGenerated};
use galaxy_runtime::{RequestError, engine::EngineClient, pause, scheduling};
use galaxy_store::worker::Queue as _;
use jiff::SignedDuration;
use rustix::process::Signal;
use sqlx::PgPool;

use crate::stage::{Game, Stage};

async fn tick(stage: &Stage) -> (u32, u32) {
    let tick = scheduling::tick(&stage.world.db, stage.world.clock.now())
        .await
        .unwrap();
    (tick.due, tick.queued)
}

async fn turns(stage: &Stage) -> Vec<u32> {
    let events = stage.world.events::<TurnGenerated>().await;
    events.iter().map(|event| event.turn).collect()
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_due_turn_is_generated_and_told_to_the_members(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    assert_eq!(tick(&stage).await, (0, 0), "nothing is due yet");
    let due = stage.record(&game).await.next_turn_at.unwrap();
    stage.pass(due.duration_since(stage.world.clock.now()));
    assert_eq!(tick(&stage).await, (1, 1));
    assert_eq!(tick(&stage).await, (0, 0), "a tick comes once");
    stage.work().await;

    let events = stage.world.events::<TurnGenerated>().await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].turn, &events[0].game_name[..]),
        (1, "A test game")
    );
    let mut members = events[0].member_user_ids.clone();
    members.sort();
    let mut players = game.players.clone();
    players.sort();
    assert_eq!(members, players);
    let record = stage.record(&game).await;
    assert_eq!(
        (record.status, record.current_turn),
        (RuntimeStatus::Running, 1)
    );
    assert_eq!(
        record.next_turn_at.unwrap(),
        due + SignedDuration::from_hours(1)
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_game_whose_schedule_cannot_be_read_stands_still_and_is_told(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    sqlx::query("update backend.runtime_records set time_zone = 'Etc/Nowhere'")
        .execute(stage.world.db.pool())
        .await
        .unwrap();
    stage.pass(SignedDuration::from_hours(1));
    assert_eq!(tick(&stage).await, (1, 0));
    let record = stage.record(&game).await;
    assert_eq!(
        (record.status, record.next_turn_at),
        (RuntimeStatus::GenerationFailed, None)
    );
    assert!(record.last_error.unwrap().contains("Etc/Nowhere"));
    let told = stage.world.events::<GenerationFailed>().await;
    assert_eq!((told.len(), told[0].turn), (1, 1));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_late_scheduler_runs_one_turn_not_those_it_missed(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    stage.pass(SignedDuration::from_hours(9));
    assert_eq!(tick(&stage).await, (1, 1));
    assert_eq!(tick(&stage).await, (0, 0));
    stage.work().await;
    assert_eq!(turns(&stage).await, [1]);
    assert!(stage.record(&game).await.next_turn_at.unwrap() > stage.world.clock.now());
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_forced_turn_takes_the_place_of_the_next_tick(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    stage.force_turn(&game).await.unwrap();
    assert!(matches!(
        stage.force_turn(&game).await,
        Err(RequestError::TurnInProgress)
    ));
    stage.work().await;
    assert_eq!(turns(&stage).await, [1]);
    assert!(stage.record(&game).await.skip_next_tick);

    stage.pass(SignedDuration::from_hours(1));
    assert_eq!(tick(&stage).await, (1, 0), "this tick passes");
    stage.pass(SignedDuration::from_hours(1));
    assert_eq!(tick(&stage).await, (1, 1), "the next one counts again");
    stage.work().await;
    assert_eq!(turns(&stage).await, [1, 2]);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_paused_game_has_no_ticks_until_it_is_resumed(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    let mut tx = stage.world.db.begin().await.unwrap();
    let paused = pause::pause(&mut tx, game.id, stage.world.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        (paused.status, paused.next_turn_at),
        (RuntimeStatus::Paused, None)
    );
    stage.pass(SignedDuration::from_hours(5));
    assert_eq!(tick(&stage).await, (0, 0));
    assert!(matches!(
        stage.force_turn(&game).await,
        Err(RequestError::WrongStatus(RuntimeStatus::Paused))
    ));

    let now = stage.world.clock.now();
    let mut tx = stage.world.db.begin().await.unwrap();
    let resumed = pause::resume(&mut tx, game.id, now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(resumed.status, RuntimeStatus::Running);
    let wait = resumed.next_turn_at.unwrap().duration_since(now);
    assert!(wait > SignedDuration::ZERO && wait <= SignedDuration::from_hours(1));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_forced_turn_still_takes_the_place_of_a_tick_after_pause_and_resumption(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    stage.force_turn(&game).await.unwrap();
    stage.work().await;
    let now = stage.world.clock.now();
    let mut tx = stage.world.db.begin().await.unwrap();
    pause::pause(&mut tx, game.id, now).await.unwrap();
    pause::resume(&mut tx, game.id, now).await.unwrap();
    tx.commit().await.unwrap();
    stage.pass(SignedDuration::from_hours(1));
    assert_eq!(tick(&stage).await, (1, 0), "one turn in a period");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_turn_that_a_dead_process_had_generated_is_not_generated_again(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    stage.force_turn(&game).await.unwrap();
    let claimed = stage.turns.claim(1).await.unwrap();
    let address = stage.engine(&game).await;
    EngineClient::default().turn(&address, 1).await.unwrap();
    assert_eq!(stage.status(&game).await.turn, 1);
    drop(claimed);

    stage.pass(SignedDuration::from_secs(31));
    stage.work().await;
    assert_eq!(stage.status(&game).await.turn, 1);
    assert_eq!(turns(&stage).await, [1]);
    let operation = stage.last_operation(&game).await;
    assert_eq!(
        (operation.status, operation.attempt),
        (OperationStatus::Succeeded, 0)
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_killed_engine_is_brought_up_for_its_turn(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    play(&stage, &game, 2).await;
    stage.signal(&game, Signal::KILL);
    play(&stage, &game, 1).await;
    assert_eq!(turns(&stage).await, [1, 2, 3]);
    assert_eq!(stage.status(&game).await.turn, 3);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_turn_that_does_not_end_in_time_is_given_back_when_the_process_drains(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    stage.force_turn(&game).await.unwrap();
    stage.signal(&game, Signal::STOP);
    let held = stage.turns.claim(1).await.unwrap().remove(0);
    let drain = async {
        stage.world.process.tasks.draining().cancel();
    };
    tokio::join!(stage.turns.work(held), drain);
    let operation = stage.last_operation(&game).await;
    assert_eq!(
        (operation.status, operation.attempt),
        (OperationStatus::Queued, 0)
    );
}

/// Forces `count` turns.
async fn play(stage: &Stage, game: &Game, count: u32) {
    for _ in 0..count {
        stage.force_turn(game).await.unwrap();
        stage.work().await;
    }
}
