//! The end of a game, and the race names that were earned in it.

use galaxy_core::UserId;
use galaxy_events::{
    Verdict,
    catalogue::lobby::{GameFinished, RaceNamePending, RaceNameRegistered, RaceNameReleased},
};
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Answer, Lobby, finished, player_snapshot, started};

async fn register(lobby: &Lobby, player: UserId, name: &str) -> Answer {
    lobby
        .post(player, "/lobby/race-names/register", json!({"name": name}))
        .await
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn when_a_game_finishes_capable_players_earn_their_names_and_others_lose_them(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, [winner, loser]) = lobby.running_game(owner, "Zorg").await;
    let event = finished(
        game,
        vec![player_snapshot(winner, true), player_snapshot(loser, false)],
    );
    lobby.apply_event(&event).await;
    assert_eq!(lobby.status(game).await, "finished");
    let pending = lobby.world.events::<RaceNamePending>().await;
    assert_eq!(pending.len(), 1);
    assert_eq!((pending[0].user_id, pending[0].game_id), (winner, game));
    assert_eq!(pending[0].expires_at, lobby.later(30 * 24));
    let released = lobby.world.events::<RaceNameReleased>().await;
    assert_eq!((released[0].user_id, released[0].expired), (loser, false));
    let told = lobby.world.events::<GameFinished>().await;
    assert_eq!(told[0].roster.member_user_ids, [winner, loser]);

    assert_eq!(lobby.apply_event(&event).await, Verdict::Done);
    assert_eq!(lobby.world.events::<GameFinished>().await.len(), 1, "once");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_finish_that_arrives_before_the_start_is_applied_after_it(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    for race in ["Alphas", "Betas"] {
        let player = lobby.player().await;
        lobby.join(owner, player, game, race).await;
    }
    for action in ["ready-to-start", "start"] {
        lobby
            .act(owner, &format!("/lobby/games/{game}/{action}"))
            .await;
    }
    let event = finished(game, vec![]);
    assert!(matches!(lobby.apply_event(&event).await, Verdict::Again(_)));
    lobby.apply_event(&started(game)).await;
    assert_eq!(lobby.apply_event(&event).await, Verdict::Done);
    assert_eq!(lobby.status(game).await, "finished");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_earned_name_is_registered_by_its_holder_in_any_spelling_and_used_again(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    let (game, [winner, loser]) = lobby.running_game(owner, "Zorg").await;
    register(&lobby, winner, "Zorg ones")
        .await
        .refused(409, "race_name_not_pending");
    lobby
        .apply_event(&finished(game, vec![player_snapshot(winner, true)]))
        .await;
    for stranger in [loser, owner] {
        register(&lobby, stranger, "Zorg ones")
            .await
            .refused(409, "race_name_not_pending");
    }
    let registered = register(&lobby, winner, "ZORG-0NES").await.expect(200);
    assert_eq!(registered["name"], "Zorg ones");
    assert_eq!(registered["status"], "registered");
    register(&lobby, winner, "Zorg ones")
        .await
        .refused(409, "race_name_already_registered");
    assert_eq!(lobby.world.events::<RaceNameRegistered>().await.len(), 1);

    let (first, second) = (
        lobby.open_game(owner, json!({})).await,
        lobby.open_game(owner, json!({})).await,
    );
    lobby.join(owner, winner, first, "Zorg Ones").await;
    lobby.join(owner, winner, second, "zorg ones").await;
    assert_eq!(lobby.held_names().await, 1, "no second row");
    lobby
        .post(
            loser,
            &format!("/lobby/games/{first}/applications"),
            json!({"race_name": "Zorg ones"}),
        )
        .await
        .refused(409, "race_name_taken");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_name_is_not_registered_after_its_thirty_days(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, [winner, _]) = lobby.running_game(owner, "Zorg").await;
    lobby
        .apply_event(&finished(game, vec![player_snapshot(winner, true)]))
        .await;
    lobby
        .world
        .clock
        .advance(jiff::SignedDuration::from_hours(30 * 24));
    register(&lobby, winner, "Zorg ones")
        .await
        .refused(409, "race_name_expired");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn concurrent_registrations_do_not_exceed_the_limit_of_the_tier(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    let player = lobby.player().await;
    for n in 0..5 {
        let game = lobby.open_game(owner, json!({})).await;
        lobby.join(owner, player, game, &format!("Race {n}")).await;
        sqlx::query("update backend.games set status = 'running' where game_id = $1")
            .bind(game.uuid())
            .execute(lobby.world.db.pool())
            .await
            .unwrap();
        lobby
            .apply_event(&finished(game, vec![player_snapshot(player, true)]))
            .await;
    }
    let names: Vec<String> = (0..5).map(|n| format!("Race {n}")).collect();
    let calls = names.iter().map(|name| register(&lobby, player, name));
    let answers = lobby.race(calls).await;
    let made = answers.iter().filter(|a| a.status == 200).count();
    assert_eq!(made, 1, "the free tier registers one");
    for answer in answers.into_iter().filter(|a| a.status != 200) {
        answer.refused(409, "limit_reached");
    }
}
