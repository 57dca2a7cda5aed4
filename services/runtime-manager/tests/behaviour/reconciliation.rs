//! Differences between records and engines, made by hand and mended.

use galaxy_core::{GameId, RuntimeStatus};
use galaxy_events::catalogue::runtime::RuntimeSnapshot;
use galaxy_runtime::engine::EngineClient;
use galaxy_runtime_manager::{
    config::ReconcileMode,
    drivers::{Driver as _, EngineSpec},
    reconcile::{Reconciler, plan::Step},
};
use rustix::process::Signal;
use sqlx::PgPool;

use crate::stage::Stage;

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_engine_that_was_killed_is_brought_up_again(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    stage.force_turn(&game).await.unwrap();
    stage.work().await;
    let mut reconciler = Reconciler::new(stage.manager.clone(), ReconcileMode::Apply);
    assert_eq!(
        reconciler.pass().await.unwrap(),
        [],
        "all is as it should be"
    );

    let rung = stage.manager.driver().watch();
    stage.signal(&game, Signal::KILL);
    rung.notified().await;
    assert_eq!(reconciler.pass().await.unwrap(), [(game.id, Step::Restart)]);
    assert_eq!(
        reconciler.pass().await.unwrap(),
        [],
        "the restart is queued once"
    );
    stage.work().await;
    let record = stage.record(&game).await;
    assert_eq!(record.status, RuntimeStatus::Running);
    let status = EngineClient::default()
        .status(&record.endpoint.unwrap())
        .await
        .unwrap();
    assert_eq!(status.turn, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_engine_whose_state_is_gone_is_given_up_only_after_several_looks(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    stage.signal(&game, Signal::KILL);
    std::fs::rename(stage.home(&game), stage.directory.path().join("lost")).unwrap();
    let mut reconciler = Reconciler::new(stage.manager.clone(), ReconcileMode::Apply);
    assert_eq!(
        reconciler.pass().await.unwrap(),
        [(game.id, Step::NoteMissing(1))]
    );
    assert_eq!(
        reconciler.pass().await.unwrap(),
        [(game.id, Step::NoteMissing(2))]
    );
    assert_eq!(stage.record(&game).await.status, RuntimeStatus::Running);
    assert_eq!(
        reconciler.pass().await.unwrap(),
        [(game.id, Step::MarkGone)]
    );
    let record = stage.record(&game).await;
    assert_eq!(
        (record.status, record.next_turn_at),
        (RuntimeStatus::Removed, None)
    );
    let told = stage.world.events::<RuntimeSnapshot>().await;
    assert_eq!(told.last().unwrap().runtime_status, RuntimeStatus::Removed);
    assert_eq!(reconciler.pass().await.unwrap(), []);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_engine_that_no_game_wants_is_removed_after_several_looks(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let orphan = GameId::generate();
    let spec = EngineSpec {
        game_id: orphan,
        image_ref: "process:engine".to_owned(),
        engine_version: "0.1.0".to_owned(),
    };
    let driver = stage.manager.driver();
    driver.start(&spec).await.unwrap();

    let mut dry = Reconciler::new(stage.manager.clone(), ReconcileMode::DryRun);
    for _ in 0..4 {
        dry.pass().await.unwrap();
    }
    assert_eq!(dry.pass().await.unwrap(), [(orphan, Step::RemoveOrphan)]);
    assert!(
        driver.inspect(orphan).await.unwrap().is_some(),
        "a dry run changes nothing"
    );

    let mut reconciler = Reconciler::new(stage.manager.clone(), ReconcileMode::Apply);
    assert_eq!(
        reconciler.pass().await.unwrap(),
        [(orphan, Step::NoteOrphan(1))]
    );
    assert_eq!(
        reconciler.pass().await.unwrap(),
        [(orphan, Step::NoteOrphan(2))]
    );
    assert_eq!(
        reconciler.pass().await.unwrap(),
        [(orphan, Step::RemoveOrphan)]
    );
    assert_eq!(reconciler.pass().await.unwrap(), []);
}
