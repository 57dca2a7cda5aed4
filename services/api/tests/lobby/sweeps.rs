//! What time does to the lobby.

use galaxy_api::lobby::sweeps::{end_enrollment, expire_invites, expire_race_names};
use galaxy_events::catalogue::lobby::{GameReady, InviteExpired, RaceNameReleased};
use jiff::SignedDuration;
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Lobby, finished, player_snapshot};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn past_its_end_a_game_with_players_enough_becomes_ready(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    let full = lobby.open_game(owner, json!({})).await;
    let thin = lobby.open_game(owner, json!({})).await;
    for (game, races) in [(full, &["Alphas", "Betas"][..]), (thin, &["Gammas"])] {
        for race in races {
            let player = lobby.player().await;
            lobby.join(owner, player, game, race).await;
        }
    }
    let sweep = || end_enrollment(&lobby.world.db, lobby.now(), 100);
    assert_eq!(sweep().await.unwrap(), 0, "not yet");
    lobby.world.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(sweep().await.unwrap(), 1);
    assert_eq!(sweep().await.unwrap(), 0, "once");
    assert_eq!(lobby.status(full).await, "ready_to_start");
    assert_eq!(lobby.status(thin).await, "enrollment_open");
    assert_eq!(
        lobby.world.events::<GameReady>().await[0]
            .roster
            .game
            .game_id,
        full
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn invites_run_out_in_batches_each_with_its_event(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    for _ in 0..3 {
        let player = lobby.player().await;
        lobby
            .post(
                owner,
                &format!("/lobby/games/{game}/invites"),
                json!({"invited_user_id": player}),
            )
            .await
            .expect(201);
    }
    lobby.world.clock.advance(SignedDuration::from_hours(24));
    let sweep = || expire_invites(&lobby.world.db, lobby.now(), 2);
    let (one, other) = tokio::join!(sweep(), sweep());
    assert_eq!(
        one.unwrap() + other.unwrap(),
        3,
        "two sweeps share the work"
    );
    assert_eq!(lobby.world.events::<InviteExpired>().await.len(), 3);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn pending_names_are_free_after_thirty_days(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, [winner, _]) = lobby.running_game(owner, "Zorg").await;
    lobby
        .apply_event(&finished(game, vec![player_snapshot(winner, true)]))
        .await;
    let sweep = || expire_race_names(&lobby.world.db, lobby.now(), 100);
    lobby
        .world
        .clock
        .advance(SignedDuration::from_hours(30 * 24) - SignedDuration::from_secs(1));
    assert_eq!(sweep().await.unwrap(), 0);
    lobby.world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(sweep().await.unwrap(), 1);
    assert_eq!(lobby.held_names().await, 0);
    let released = lobby.world.events::<RaceNameReleased>().await;
    assert!(
        released
            .iter()
            .any(|event| event.user_id == winner && event.expired)
    );
}
