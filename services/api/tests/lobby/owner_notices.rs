use galaxy_core::{GameId, Incident};
use galaxy_events::{
    Verdict,
    catalogue::{
        notification::NotificationRequested,
        runtime::{EngineIncident, EngineRecovered},
    },
};
use sqlx::PgPool;

use crate::support::Lobby;

fn incident(game_id: GameId) -> EngineIncident {
    EngineIncident {
        game_id,
        version: 5,
        game_name: "Orion's arm".to_owned(),
        incident: Incident::CrashLoop.into(),
        engine_version: Some("1.4.2".to_owned()),
        error: Some("exited".to_owned()),
        exit_code: Some(1),
        oom_killed: false,
        log: Some("secret".to_owned()),
    }
}

fn recovered(game_id: GameId) -> EngineRecovered {
    EngineRecovered {
        game_id,
        version: 6,
        game_name: "Orion's arm".to_owned(),
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_owner_is_told_of_incidents_and_recovery_without_what_is_for_operators(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, _) = lobby.running_game(owner, "Zorg").await;
    assert_eq!(lobby.apply_event(&incident(game)).await, Verdict::Done);
    assert_eq!(lobby.apply_event(&recovered(game)).await, Verdict::Done);
    let asked = lobby.world.events::<NotificationRequested>().await;
    let kinds: Vec<_> = asked.iter().map(|request| request.kind.as_str()).collect();
    assert_eq!(kinds, ["game.engine_incident", "game.engine_recovered"]);
    assert!(asked.iter().all(|request| request.user_id == Some(owner)));
    assert_eq!(asked[0].payload["incident"], "crash_loop");
    let names: Vec<_> = asked[0].payload.as_object().unwrap().keys().collect();
    assert_eq!(names, ["game_id", "game_name", "incident"]);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn incidents_of_one_sort_within_an_hour_have_the_same_key(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, _) = lobby.running_game(owner, "Zorg").await;
    lobby.apply_event(&incident(game)).await;
    lobby.apply_event(&incident(game)).await;
    let gone = EngineIncident {
        incident: Incident::Gone.into(),
        ..incident(game)
    };
    lobby.apply_event(&gone).await;
    let asked = lobby.world.events::<NotificationRequested>().await;
    assert_eq!(asked[0].idempotency_key, asked[1].idempotency_key);
    assert_ne!(asked[0].idempotency_key, asked[2].idempotency_key);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn nobody_is_told_of_the_engine_of_a_game_that_is_over_or_without_owner(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, _) = lobby.running_game(owner, "Zorg").await;
    for change in [
        "update backend.games set finished_at = now()",
        "update backend.games set finished_at = null, handed_over_at = now()",
    ] {
        sqlx::query(change)
            .execute(lobby.world.db.pool())
            .await
            .unwrap();
        lobby.apply_event(&incident(game)).await;
        lobby.apply_event(&recovered(game)).await;
        let asked = lobby.world.events::<NotificationRequested>().await;
        assert!(asked.is_empty(), "{change}: {asked:?}");
    }
}
