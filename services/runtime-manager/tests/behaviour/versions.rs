//! What a manager does with the versions of engines: it tries their images, and gives their games the options.

use galaxy_core::{ImageCheck, RuntimeStatus};
use galaxy_runtime::{
    image_checks,
    versions::{self, EngineVersion},
};
use galaxy_runtime_manager::node::image_check::ImageChecks;
use jiff::SignedDuration;
use sqlx::PgPool;

use crate::stage::Stage;

async fn version(stage: &Stage, number: &str) -> EngineVersion {
    let mut connection = stage.world.db.acquire().await.unwrap();
    let found = versions::get(&mut connection, "galaxy", number).await;
    found.unwrap().unwrap()
}

async fn look(stage: &Stage) {
    let mut checks = ImageChecks::default();
    checks.look(&stage.manager).await.unwrap();
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_image_of_a_version_is_tried_and_what_was_found_is_written(pool: PgPool) {
    let stage = Stage::new(pool).await;
    stage.version("0.1.1", "process:/nowhere/engine").await;
    // Nothing but this manager's kind of node is there.
    stage.version("0.1.2", "example.org/engine:1").await;
    look(&stage).await;
    let found = version(&stage, "0.1.0").await;
    assert_eq!(found.check_status, ImageCheck::Ok);
    assert!(found.image_digest.is_some() && found.checked_at.is_some());
    for (number, words) in [
        ("0.1.1", "/nowhere/engine"),
        ("0.1.2", "without containers"),
    ] {
        let failed = version(&stage, number).await;
        assert_eq!(failed.check_status, ImageCheck::Failed, "{number}");
        let error = failed.check_error.unwrap();
        assert!(error.contains(words), "{error}");
        assert_eq!(failed.image_digest, None);
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_image_is_left_to_a_node_that_can_run_it_and_tried_anew_when_it_is_asked_for(
    pool: PgPool,
) {
    let stage = Stage::new(pool).await;
    stage.version("0.1.2", "example.org/engine:1").await;
    let node = |lost: &'static str| {
        let pool = stage.world.db.pool();
        async move {
            sqlx::query(
                "insert into backend.runtime_nodes (node_id, driver, name, heartbeat_at)
                 values ('d', 'docker', 'd', now()) on conflict (node_id) do nothing",
            )
            .execute(pool)
            .await
            .unwrap();
            sqlx::query("update backend.runtime_nodes set lost_at = $1::text::timestamptz where node_id = 'd'")
                .bind((!lost.is_empty()).then_some(lost))
                .execute(pool)
                .await
                .unwrap();
        }
    };
    node("").await;
    look(&stage).await;
    assert_eq!(
        version(&stage, "0.1.2").await.check_status,
        ImageCheck::Pending
    );
    node("2026-01-01T00:00:00Z").await;
    look(&stage).await;
    assert_eq!(
        version(&stage, "0.1.2").await.check_status,
        ImageCheck::Failed
    );

    let mut connection = stage.world.db.acquire().await.unwrap();
    let now = stage.world.clock.now() + SignedDuration::from_secs(1);
    image_checks::request(&mut connection, "galaxy", "0.1.2", now)
        .await
        .unwrap();
    let asked = version(&stage, "0.1.2").await;
    assert_eq!(
        (asked.check_status, asked.check_error),
        (ImageCheck::Pending, None)
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_question_is_one_managers_at_a_time_and_an_old_answer_is_not_taken(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let mut connection = stage.world.db.acquire().await.unwrap();
    let now = stage.world.clock.now();
    let claimed = image_checks::claim(&mut connection, "process", 8, now)
        .await
        .unwrap();
    assert_eq!(claimed.len(), 1);
    let again = image_checks::claim(&mut connection, "process", 8, now)
        .await
        .unwrap();
    assert!(again.is_empty());
    let later = now + image_checks::LEASE + SignedDuration::from_secs(1);
    let after_the_lease = image_checks::claim(&mut connection, "process", 8, later).await;
    assert_eq!(after_the_lease.unwrap().len(), 1);

    image_checks::request(&mut connection, "galaxy", "0.1.0", later)
        .await
        .unwrap();
    assert!(
        !image_checks::renew(&mut connection, &claimed[0], later)
            .await
            .unwrap()
    );
    let late = image_checks::answer(&mut connection, &claimed[0], Err("gone"), later).await;
    late.unwrap();
    assert_eq!(
        version(&stage, "0.1.0").await.check_status,
        ImageCheck::Pending
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_engine_is_given_the_options_of_its_game(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.queued_game().await;
    sqlx::query(
        "update backend.runtime_records set options = '{\"max_turns\": 1}' where game_id = $1",
    )
    .bind(game.id.uuid())
    .execute(stage.world.db.pool())
    .await
    .unwrap();
    stage.work().await;
    assert_eq!(stage.record(&game).await.status, RuntimeStatus::Running);
    stage.force_turn(&game).await.unwrap();
    stage.work().await;
    let record = stage.record(&game).await;
    assert_eq!(
        (record.status, record.current_turn),
        (RuntimeStatus::Finished, 1)
    );
}
