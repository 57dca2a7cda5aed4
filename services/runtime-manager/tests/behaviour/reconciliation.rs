//! Differences between records and engines, made by hand and mended.

use futures_util::StreamExt as _;
use galaxy_core::{EngineHealth, GameId, Incident, RuntimeStatus};
use galaxy_drivers::{Driver as _, DriverEvent, Sight};
use galaxy_events::catalogue::runtime::{EngineIncident, RuntimeSnapshot};
use galaxy_runtime_manager::{
    config::ReconcileMode,
    node::{plan::Step, reconcile::Reconciler},
};
use jiff::SignedDuration;
use rustix::process::Signal;
use sqlx::PgPool;

use crate::stage::{Game, Stage};

fn reconciler(stage: &Stage) -> Reconciler {
    Reconciler::new(stage.manager.clone(), ReconcileMode::Apply)
}

async fn steps(reconciler: &mut Reconciler) -> Vec<(GameId, Step)> {
    reconciler.pass().await.unwrap().steps
}

/// Kills the engine and waits until the driver has told of it.
async fn kill(stage: &Stage, game: &Game) {
    let mut events = stage.manager.driver().events();
    stage.signal(game, Signal::KILL);
    assert_eq!(events.next().await, Some(DriverEvent::Changed(game.id)));
}

async fn incidents(stage: &Stage) -> Vec<Option<Incident>> {
    let told = stage.world.events::<EngineIncident>().await;
    told.iter().map(|event| event.incident.known()).collect()
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_engine_that_was_killed_is_brought_up_again(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    stage.force_turn(&game).await.unwrap();
    stage.work().await;
    let mut reconciler = reconciler(&stage);
    assert_eq!(steps(&mut reconciler).await, [], "all is as it should be");

    kill(&stage, &game).await;
    let found = steps(&mut reconciler).await;
    assert!(
        matches!(&found[..], [(id, Step::Revive(exit))] if *id == game.id && exit.code == Some(137)),
        "{found:?}"
    );
    assert_eq!(
        steps(&mut reconciler).await,
        [],
        "the restart is queued once"
    );
    stage.pass(SignedDuration::from_secs(1));
    stage.work().await;
    let record = stage.record(&game).await;
    assert_eq!(
        (record.status, record.exit_code, record.restarts),
        (RuntimeStatus::Running, Some(137), 1)
    );
    assert_eq!(stage.status(&game).await.turn, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_engine_that_ends_again_and_again_is_given_up_and_told_once(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    let mut reconciler = reconciler(&stage);
    for restart in 0..5 {
        kill(&stage, &game).await;
        reconciler.pass().await.unwrap();
        stage.pass(SignedDuration::from_secs(1 << restart));
        stage.work().await;
        assert!(
            matches!(stage.sight(&game).await, Sight::Running(_)),
            "restart {restart}"
        );
    }
    kill(&stage, &game).await;
    for _ in 0..3 {
        reconciler.pass().await.unwrap();
        stage.pass(SignedDuration::from_hours(1));
        stage.work().await;
    }
    let record = stage.record(&game).await;
    assert_eq!(
        (record.engine_health, record.status),
        (EngineHealth::CrashLoop, RuntimeStatus::EngineUnreachable)
    );
    assert!(
        matches!(stage.sight(&game).await, Sight::Exited(_)),
        "it is left alone"
    );
    assert_eq!(incidents(&stage).await, [Some(Incident::CrashLoop)]);

    let mut tx = stage.world.db.begin().await.unwrap();
    let now = stage.world.clock.now();
    galaxy_runtime::restart::request(&mut tx, game.id, "test", now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    stage.work().await;
    let record = stage.record(&game).await;
    assert_eq!(
        (record.engine_health, record.status, record.restarts),
        (EngineHealth::Healthy, RuntimeStatus::Running, 0),
        "an operator brings it back"
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_engine_whose_state_is_gone_is_given_up_only_after_a_while_and_taken_back(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    kill(&stage, &game).await;
    let lost = stage.directory.path().join("lost");
    std::fs::rename(stage.home(&game), &lost).unwrap();
    let mut reconciler = reconciler(&stage);
    for reading in 1..=4 {
        // Many looks in an instant prove nothing.
        assert_eq!(
            steps(&mut reconciler).await,
            [(game.id, Step::NoteMissing(reading))]
        );
    }
    assert_eq!(stage.record(&game).await.status, RuntimeStatus::Running);
    stage.pass(SignedDuration::from_secs(30));
    assert_eq!(steps(&mut reconciler).await, [(game.id, Step::MarkGone)]);
    let record = stage.record(&game).await;
    assert_eq!(
        (record.status, record.next_turn_at),
        (RuntimeStatus::Removed, None)
    );
    let told = stage.world.events::<RuntimeSnapshot>().await;
    assert_eq!(told.last().unwrap().runtime_status, RuntimeStatus::Removed);
    assert_eq!(incidents(&stage).await, [Some(Incident::Gone)]);
    assert_eq!(steps(&mut reconciler).await, []);

    std::fs::rename(&lost, stage.home(&game)).unwrap();
    assert_eq!(steps(&mut reconciler).await, [(game.id, Step::Remake)]);
    stage.work().await;
    let record = stage.record(&game).await;
    assert_eq!(record.status, RuntimeStatus::Running, "its state is back");
    assert!(record.next_turn_at.is_some());
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_directory_that_is_empty_for_a_moment_costs_no_game(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let mut games = vec![];
    for _ in 0..2 {
        games.push(stage.game().await);
    }
    let engines = stage.directory.path().join("test");
    let aside = stage.directory.path().join("aside");
    std::fs::rename(&engines, &aside).unwrap();
    let mut reconciler = reconciler(&stage);
    for _ in 0..5 {
        assert_eq!(
            steps(&mut reconciler).await,
            [],
            "an incomplete listing proves no absence"
        );
        stage.pass(SignedDuration::from_secs(30));
    }
    std::fs::rename(&aside, &engines).unwrap();
    assert_eq!(steps(&mut reconciler).await, []);
    for game in &games {
        assert_eq!(stage.record(game).await.status, RuntimeStatus::Running);
        assert_eq!(stage.status(game).await.turn, 0);
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_engine_that_no_record_explains_is_reported_for_an_hour_and_then_removed(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let orphan = GameId::generate();
    let driver = stage.manager.driver();
    let spec = stage.spec(orphan, 3).await;
    galaxy_testkit::eventually("the engine runs", || async {
        let sight = driver.apply(&spec).await.unwrap();
        matches!(sight, Sight::Running(_)).then_some(())
    })
    .await;

    let mut dry = Reconciler::new(stage.manager.clone(), ReconcileMode::DryRun);
    let mut reconciler = reconciler(&stage);
    for _ in 0..4 {
        dry.pass().await.unwrap();
        assert_eq!(steps(&mut reconciler).await, [(orphan, Step::Report)]);
    }
    stage.pass(SignedDuration::from_hours(1));
    let removal = [(orphan, Step::RemoveUnexplained(3))];
    assert_eq!(steps(&mut dry).await, removal);
    let sight = driver.observe(orphan).await.unwrap();
    assert!(
        matches!(sight, Sight::Running(_)),
        "a dry run changes nothing"
    );

    assert_eq!(steps(&mut reconciler).await, removal);
    let reconciler = tokio::sync::Mutex::new(reconciler);
    galaxy_testkit::eventually("the engine is removed", || async {
        let left = steps(&mut *reconciler.lock().await).await;
        left.is_empty().then_some(())
    })
    .await;
    let sight = driver.observe(orphan).await.unwrap();
    assert!(
        matches!(sight, Sight::StateOnly | Sight::Absent),
        "its state stays"
    );
}
