//! Who is out in the lobby is out in the engine.

use galaxy_core::{Op, OperationStatus};
use galaxy_runtime::{
    banish,
    engine::{EngineClient, EngineError},
    players,
};
use jiff::SignedDuration;
use rustix::process::Signal;
use serde_json::json;
use sqlx::PgPool;

use crate::stage::{Game, RACES, SHORT, Stage};

/// What the lobby does when a membership ends.
async fn removed(stage: &Stage, game: &Game, player: usize) {
    let mut tx = stage.world.db.begin().await.unwrap();
    let (user, now) = (game.players[player], stage.world.clock.now());
    banish::request(&mut tx, game.id, user, RACES[player], now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_removed_member_is_banished_once_and_cannot_play_any_more(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    removed(&stage, &game, 1).await;
    removed(&stage, &game, 1).await;
    let mut connection = stage.world.db.acquire().await.unwrap();
    let seat = players::seat(&mut connection, game.id, game.players[1])
        .await
        .unwrap()
        .unwrap();
    assert!(
        seat.mapping.banished_at.is_some(),
        "refused from the commit on"
    );
    stage.work().await;

    assert_eq!(
        stage
            .world
            .count("select count(*) from backend.runtime_operation_log where op = 'banish'")
            .await,
        1
    );
    assert_eq!(
        stage.last_operation(&game).await.status,
        OperationStatus::Succeeded
    );
    let engine = EngineClient::default();
    let address = seat.engine.unwrap();
    let order = engine
        .order(&address, seat.mapping.player_id, &json!([]))
        .await;
    assert!(
        matches!(&order, Err(EngineError::Refused { status: 409, code, .. }) if code == "race_inactive"),
        "{order:?}"
    );
    let other = players::seat(&mut connection, game.id, game.players[0])
        .await
        .unwrap()
        .unwrap();
    engine
        .order(&address, other.mapping.player_id, &json!([]))
        .await
        .unwrap();
    let view = engine
        .report(&address, other.mapping.player_id, 0)
        .await
        .unwrap();
    assert!(view.starts_with(b"{"));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_banishment_waits_for_an_engine_that_is_down(pool: PgPool) {
    let stage = Stage::with_limit(pool, SHORT).await;
    let game = stage.game().await;
    stage.signal(&game, Signal::STOP);
    removed(&stage, &game, 2).await;
    for _ in 0..3 {
        stage.work().await;
        stage.pass(SignedDuration::from_mins(2));
    }
    assert_eq!(
        stage.last_operation(&game).await.status,
        OperationStatus::Queued
    );
    stage.signal(&game, Signal::CONT);
    stage.work().await;
    assert_eq!(
        stage.last_operation(&game).await.status,
        OperationStatus::Succeeded
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_member_who_leaves_while_the_game_starts_never_plays(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.queued_game().await;
    removed(&stage, &game, 0).await;
    stage.work_without_banishments().await;
    let mut connection = stage.world.db.acquire().await.unwrap();
    let seat = players::seat(&mut connection, game.id, game.players[0])
        .await
        .unwrap()
        .unwrap();
    assert!(
        seat.mapping.banished_at.is_some(),
        "the seat is closed from the start on"
    );
    stage.work().await;
    let last = stage.last_operation(&game).await;
    assert_eq!(
        (last.op, last.status),
        (Op::Banish, OperationStatus::Succeeded)
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_banishment_that_changed_nothing_is_not_believed(pool: PgPool) {
    let stage = Stage::faulty(pool, SHORT).await;
    let game = stage.faulty_game().await;
    let ignored =
        json!({ "calls": [{ "on": "banish", "fault": { "answer": { "status": 204 } } }] });
    stage.spoil(&game, &ignored);
    removed(&stage, &game, 1).await;
    stage.work().await;
    let last = stage.last_operation(&game).await;
    assert_eq!((last.status, last.attempt), (OperationStatus::Queued, 1));
    assert!(last.error.unwrap().contains("still plays"));

    stage.spoil(&game, &json!({}));
    stage.work_with_retries().await;
    let last = stage.last_operation(&game).await;
    assert_eq!(last.status, OperationStatus::Succeeded);
    let players = stage.status(&game).await.players;
    assert!(
        players
            .iter()
            .any(|player| player.race_name == RACES[1] && !player.active)
    );
}
