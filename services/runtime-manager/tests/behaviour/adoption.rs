//! Engines outlive the runtime manager, and are found again.

use galaxy_core::FailureCode;
use galaxy_runtime::{engine::EngineClient, outcome, restart, stop};
use galaxy_runtime_manager::drivers::{Driver as _, Observed, Removal};
use rustix::process::Signal;
use sqlx::PgPool;

use crate::stage::Stage;

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_new_process_finds_the_engines_of_the_old_one(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    let record = stage.record(&game).await;
    let (reborn, _) = stage.reborn();
    let found = reborn.driver().inspect(game.id).await.unwrap();
    let Some(Observed::Running(instance)) = found else {
        panic!("{found:?}");
    };
    assert_eq!(Some(instance.endpoint), record.endpoint);

    std::fs::remove_file(stage.home(&game).join("engine.json")).unwrap();
    let found = reborn.driver().inspect(game.id).await.unwrap();
    assert!(
        matches!(found, Some(Observed::Running(_))),
        "found by its arguments: {found:?}"
    );
    reborn
        .driver()
        .remove(game.id, Removal::Everything)
        .await
        .unwrap();
    assert_eq!(reborn.driver().inspect(game.id).await.unwrap(), None);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_pid_that_went_to_another_process_is_left_alone(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    stage.signal(&game, Signal::KILL);
    let note = stage.home(&game).join("engine.json");
    let mut stranger = std::process::Command::new("sleep")
        .arg("600")
        .spawn()
        .unwrap();
    let text = std::fs::read_to_string(&note).unwrap();
    let mut noted: serde_json::Value = serde_json::from_str(&text).unwrap();
    noted["pid"] = stranger.id().into();
    std::fs::write(&note, noted.to_string()).unwrap();

    let driver = stage.manager.driver();
    galaxy_testkit::eventually("the killed engine is seen to be gone", || async {
        let observed = driver.inspect(game.id).await.unwrap();
        (observed == Some(Observed::Exited)).then_some(())
    })
    .await;
    driver.stop(game.id).await.unwrap();
    assert_eq!(stranger.try_wait().unwrap(), None, "the stranger lives");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_stopped_engine_comes_back_where_it_was(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    stage.force_turn(&game).await.unwrap();
    stage.work().await;
    let now = stage.world.clock.now();

    let mut tx = stage.world.db.begin().await.unwrap();
    stop::request(&mut tx, game.id, "test", now).await.unwrap();
    tx.commit().await.unwrap();
    stage.work().await;
    let record = stage.record(&game).await;
    assert_eq!(
        (record.status.as_str(), record.endpoint, record.next_turn_at),
        ("stopped", None, None)
    );
    let observed = stage.manager.driver().inspect(game.id).await.unwrap();
    assert_eq!(observed, Some(Observed::Exited));

    let mut tx = stage.world.db.begin().await.unwrap();
    restart::request(&mut tx, game.id, "test", now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    stage.work().await;
    let record = stage.record(&game).await;
    assert_eq!(record.status.as_str(), "running");
    assert!(record.next_turn_at.is_some());
    let status = EngineClient::default()
        .status(&record.endpoint.unwrap())
        .await
        .unwrap();
    assert_eq!(status.turn, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_outcome_under_another_lease_is_refused(pool: PgPool) {
    use galaxy_core::LeaseToken;
    use galaxy_runtime::operations::EndError;
    use galaxy_store::worker::Queue as _;

    let stage = Stage::new(pool).await;
    let game = stage.queued_game().await;
    let mut claimed = stage.operations.claim(1).await.unwrap().remove(0);
    claimed.token = LeaseToken::generate();
    let before = stage.record(&game).await;
    let late = outcome::failed(
        &stage.world.db,
        &claimed,
        FailureCode::Internal,
        "late",
        stage.world.clock.now(),
    )
    .await;
    assert!(matches!(late, Err(EndError::NotHeld)));
    assert_eq!(stage.record(&game).await, before);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_patched_game_goes_on_as_the_new_version(pool: PgPool) {
    use galaxy_runtime::patch::{self, PatchError};

    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    stage.version("0.1.1", "process:engine").await;
    stage.version("0.2.0", "process:engine").await;
    let now = stage.world.clock.now();
    let mut tx = stage.world.db.begin().await.unwrap();
    let minor = patch::request(&mut tx, game.id, "0.2.0", "test", now).await;
    assert!(matches!(minor, Err(PatchError::NotAPatch { .. })));
    patch::request(&mut tx, game.id, "0.1.1", "test", now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let before = stage.record(&game).await.container_id;
    stage.work().await;
    let record = stage.record(&game).await;
    assert_eq!(record.engine_version.as_deref(), Some("0.1.1"));
    assert_eq!(record.status.as_str(), "running");
    assert_ne!(record.container_id, before);
}
