//! Answers that are none, and ports that are taken: what they cost, and what operators read.

use std::time::Duration;

use galaxy_core::{FailureCode, RuntimeStatus};
use galaxy_runtime::turn;
use serde_json::json;
use sqlx::PgPool;
use tokio::net::TcpListener;

use crate::{
    engine_faults::{failed_turn, on},
    stage::{RACES, Stage},
};

/// Long enough for an answer of 100 MB to be cut off at its limit.
const CALL_LIMIT: Duration = Duration::from_secs(5);

/// A turn that is answered with `fault` each time fails with `words`, and can be had once the engine is well again.
async fn fails_and_heals(pool: PgPool, fault: serde_json::Value, words: &str) {
    let stage = Stage::faulty(pool, CALL_LIMIT).await;
    let game = stage.faulty_game().await;
    stage.spoil(&game, &on("turn", &fault));
    let error = failed_turn(&stage, &game).await;
    assert!(error.contains(words), "{error}");
    assert_eq!(stage.record(&game).await.current_turn, 0);

    stage.spoil(&game, &json!({}));
    let mut tx = stage.world.db.begin().await.unwrap();
    turn::retry(&mut tx, game.id, "test", stage.world.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    stage.work().await;
    assert_eq!(stage.record(&game).await.current_turn, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_turn_that_is_answered_with_500_fails_in_the_engines_words(pool: PgPool) {
    let body = json!({ "error": { "code": "internal", "message": "the stars are out" } });
    let answer = json!({ "answer": { "status": 500, "body": body.to_string() } });
    Box::pin(fails_and_heals(
        pool,
        answer,
        "failed with 500: the stars are out",
    ))
    .await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_turn_that_is_answered_with_garbage_fails(pool: PgPool) {
    let answer = json!({ "answer": { "status": 200, "body": "\u{0}<html>" } });
    Box::pin(fails_and_heals(pool, answer, "not what the contract says")).await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_turn_that_is_answered_with_100_mb_fails(pool: PgPool) {
    let answer = json!({ "large_bytes": 100_000_000 });
    Box::pin(fails_and_heals(pool, answer, "larger than")).await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_turn_whose_answer_ends_in_the_middle_fails(pool: PgPool) {
    Box::pin(fails_and_heals(pool, json!("cut"), "cannot be reached")).await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_turn_that_is_redirected_fails_and_the_other_address_is_not_asked(pool: PgPool) {
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let location = format!("http://{}/", other.local_addr().unwrap());
    let answer = json!({ "status": 307, "headers": [["location", location]] });
    Box::pin(fails_and_heals(pool, json!({ "answer": answer }), "307")).await;
    let asked = tokio::time::timeout(Duration::ZERO, other.accept()).await;
    assert!(asked.is_err(), "the redirect was followed");
}

/// The driver gives port 0; an engine that insists on one of its own may find it taken.
#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_engine_whose_port_is_taken_fails_the_start_with_its_own_words(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let wrapper = stage.directory.path().join("stubborn");
    Stage::wrap(&wrapper, "engine", &format!("ENGINE_LISTEN_ADDR={address}"));
    let image = format!("process:{}", wrapper.display());
    stage.version("0.1.2", &image).await;
    let game = stage.queued_game_of(&RACES, Some("0.1.2")).await;
    stage.work_with_retries().await;
    let record = stage.record(&game).await;
    assert_eq!(record.status, RuntimeStatus::StartFailed);
    let error = record.last_error.unwrap();
    assert!(
        error.starts_with(FailureCode::ContainerStartFailed.as_str()),
        "{error}"
    );
    assert!(error.contains("Address already in use"), "{error}");
}
