//! Engines outlive the runtime manager, and are found again.

use galaxy_core::FailureCode;
use galaxy_drivers::{Driver as _, Sight};
use galaxy_runtime::{EndError, RequestError, outcome, restart, stop};
use sqlx::PgPool;

use crate::stage::Stage;

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_new_process_finds_the_engines_of_the_old_one(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    let record = stage.record(&game).await;
    let (reborn, _) = stage.reborn();
    let Sight::Running(instance) = reborn.driver().observe(game.id).await.unwrap() else {
        panic!("the engine is found");
    };
    assert_eq!(Some(instance.endpoint), record.endpoint);
    assert_eq!(Some(instance.container_id), record.container_id);
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
    assert!(matches!(stage.sight(&game).await, Sight::Exited(_)));

    let mut tx = stage.world.db.begin().await.unwrap();
    restart::request(&mut tx, game.id, "test", now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    stage.work().await;
    let record = stage.record(&game).await;
    assert_eq!(record.status.as_str(), "running");
    assert!(record.next_turn_at.is_some());
    assert_eq!(stage.status(&game).await.turn, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_outcome_under_another_lease_is_refused(pool: PgPool) {
    use galaxy_core::LeaseToken;
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
        None,
        stage.world.clock.now(),
    )
    .await;
    assert!(matches!(late, Err(EndError::NotHeld)));
    assert_eq!(stage.record(&game).await, before);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_patched_game_goes_on_as_the_new_version(pool: PgPool) {
    use galaxy_runtime::patch;

    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    stage.version("0.1.1", "process:engine").await;
    stage.version("0.2.0", "process:engine").await;
    let now = stage.world.clock.now();
    let mut tx = stage.world.db.begin().await.unwrap();
    let minor = patch::request(&mut tx, game.id, "0.2.0", "test", now).await;
    assert!(matches!(minor, Err(RequestError::NotAPatch { .. })));
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
