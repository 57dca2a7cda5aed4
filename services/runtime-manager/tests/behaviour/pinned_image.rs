//! A tag can move: a game goes on with the content that it began with, and the driver is asked to run what it resolved.

use std::sync::Arc;

use galaxy_runtime::restart;
use sqlx::PgPool;

use crate::{
    driver_double::{DIGEST, DriverDouble, State},
    stage::{RACES, Stage},
};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_restart_runs_the_content_of_the_start_by_its_digest(pool: PgPool) {
    let stage = Stage::new(pool).await;
    stage.version("0.2.0", "example.org/engine:1").await;
    let state = Arc::new(State::default());
    let (_, lanes) = stage.with_driver(|inner| DriverDouble::new(inner, &state));
    let lanes = [&lanes[0], &lanes[1], &lanes[2]];
    let game = stage.queued_game_of(&RACES, Some("0.2.0")).await;
    stage.work_with(&lanes).await;
    let record = stage.record(&game).await;
    assert_eq!(record.status.as_str(), "running");
    assert_eq!(record.image_digest.as_deref(), Some(DIGEST));
    state.resolved.lock().clear();
    state.applied.lock().clear();

    let mut tx = stage.world.db.begin().await.unwrap();
    restart::request(&mut tx, game.id, "test", stage.world.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    stage.work_with(&lanes).await;
    assert_eq!(stage.record(&game).await.status.as_str(), "running");
    let pinned = format!("example.org/engine@{DIGEST}");
    for asked in [&state.resolved, &state.applied] {
        let asked = asked.lock();
        assert!(
            !asked.is_empty() && asked.iter().all(|image| *image == pinned),
            "{asked:?}"
        );
    }
}
