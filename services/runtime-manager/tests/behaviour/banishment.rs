//! Who is out in the lobby is out in the engine.

use galaxy_core::{EventId, MembershipId, OperationStatus};
use galaxy_events::{
    Envelope, Event as _, Handler as _, Verdict,
    catalogue::lobby::{GameFacts, MembershipFacts, MembershipRemoved},
};
use galaxy_runtime::{
    engine::{EngineClient, EngineError},
    players,
};
use galaxy_runtime_manager::consumer::LobbyEvents;
use jiff::SignedDuration;
use rustix::process::Signal;
use serde_json::json;
use sqlx::PgPool;

use crate::stage::{Game, HASTE, RACES, Stage};

async fn removed(stage: &Stage, game: &Game, player: usize) {
    let membership = MembershipFacts {
        game: GameFacts {
            game_id: game.id,
            game_name: "A test game".to_owned(),
            version: 5,
            owner_user_id: game.players[0],
        },
        membership_id: MembershipId::generate(),
        user_id: game.players[player],
        race_name: RACES[player].to_owned(),
        by_user_id: None,
    };
    let event = MembershipRemoved { membership };
    let envelope = Envelope {
        id: EventId::generate(),
        event_type: MembershipRemoved::TYPE.to_owned(),
        time: stage.world.clock.now(),
        traceparent: None,
        data: serde_json::to_vec(&event).unwrap().into(),
    };
    let mut tx = stage.world.db.begin().await.unwrap();
    let handler = LobbyEvents::new(stage.world.clock.clone());
    assert_eq!(
        handler.apply(&mut tx, &envelope).await.unwrap(),
        Verdict::Done
    );
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
    let endpoint = seat.endpoint.unwrap();
    let order = engine
        .order(&endpoint, seat.mapping.player_id, &json!([]))
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
        .order(&endpoint, other.mapping.player_id, &json!([]))
        .await
        .unwrap();
    let view = engine
        .report(&endpoint, other.mapping.player_id, 0)
        .await
        .unwrap();
    assert!(view.starts_with(b"{"));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_banishment_waits_for_an_engine_that_is_down(pool: PgPool) {
    let stage = Stage::with_patience(pool, HASTE).await;
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
async fn who_leaves_while_the_game_starts_is_banished_after_the_start(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.queued_game().await;
    removed(&stage, &game, 0).await;
    stage.work().await;
    let mut connection = stage.world.db.acquire().await.unwrap();
    let seat = players::seat(&mut connection, game.id, game.players[0])
        .await
        .unwrap()
        .unwrap();
    assert!(seat.mapping.banished_at.is_some());
}
