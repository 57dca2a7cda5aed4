//! Applications, approvals and race names on the way in.

use galaxy_events::catalogue::lobby::{
    ApplicationApproved, ApplicationRejected, ApplicationSubmitted,
};
use serde_json::json;
use sqlx::PgPool;

use crate::{
    create::{sanction, set_limit},
    support::Lobby,
};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_approved_applicant_is_a_member_with_a_reserved_race_name(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let player = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    let application = lobby.apply(player, game, "Zorgons").await;
    let approved = lobby.approve(owner, game, &application).await.expect(200);
    assert_eq!(approved["status"], "approved");
    let view = lobby
        .get(player, &format!("/lobby/games/{game}"))
        .await
        .expect(200);
    assert_eq!(view["approved_count"], 1);
    let names = lobby.get(player, "/lobby/my/race-names").await.expect(200);
    assert_eq!(names["items"][0]["name"], "Zorgons");
    assert_eq!(names["items"][0]["status"], "reservation");
    let submitted = lobby.world.events::<ApplicationSubmitted>().await;
    assert_eq!(submitted[0].application.game.owner_user_id, owner);
    let told = lobby.world.events::<ApplicationApproved>().await;
    assert_eq!(told[0].application.applicant_user_id, player);
    assert_eq!(view["version"], told[0].application.game.version);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_decided_application_stays_decided(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let player = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    let application = lobby.apply(player, game, "Zorgons").await;
    let decide = async |verdict: &str| {
        lobby
            .act(
                owner,
                &format!("/lobby/games/{game}/applications/{application}/{verdict}"),
            )
            .await
    };
    decide("reject").await.expect(200);
    for verdict in ["reject", "approve"] {
        decide(verdict).await.refused(409, "invalid_transition");
    }
    assert_eq!(lobby.held_names().await, 0);
    assert_eq!(lobby.world.events::<ApplicationRejected>().await.len(), 1);
    lobby.apply(player, game, "Zorgons").await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_application_of_another_game_is_404(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let (one, other) = (lobby.player().await, lobby.player().await);
    let player = lobby.player().await;
    let game = lobby.open_game(one, json!({})).await;
    let others = lobby.open_game(other, json!({})).await;
    let application = lobby.apply(player, game, "Zorgons").await;
    lobby
        .approve(other, others, &application)
        .await
        .refused(404, "not_found");
    lobby
        .approve(other, game, &application)
        .await
        .refused(403, "not_owner");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn one_open_application_a_player_and_game(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let player = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    let path = format!("/lobby/games/{game}/applications");
    lobby.apply(player, game, "Zorgons").await;
    lobby
        .post(player, &path, json!({"race_name": "Others"}))
        .await
        .refused(409, "already_applied");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn players_who_cannot_join_a_game_cannot_apply(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, [member, _]) = lobby.running_game(owner, "Zorg").await;
    let other = lobby.rich_player().await;
    let open = lobby.open_game(other, json!({})).await;
    let apply = async |player, game, race: &str| {
        let path = format!("/lobby/games/{game}/applications");
        lobby.post(player, &path, json!({"race_name": race})).await
    };
    let player = lobby.player().await;
    apply(player, game, "Zorgons")
        .await
        .refused(409, "enrollment_closed");
    lobby.join(other, player, open, "Alphas").await;
    apply(player, open, "Betas")
        .await
        .refused(409, "already_member");
    sanction(&lobby, member, "game_join_block").await;
    apply(member, open, "Gammas")
        .await
        .refused(403, "game_join_blocked");
    lobby
        .world
        .clock
        .advance(jiff::SignedDuration::from_hours(25));
    apply(owner, open, "Deltas")
        .await
        .refused(409, "enrollment_ended");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn invalid_and_reserved_race_names_are_refused(pool: PgPool) {
    let lobby = Lobby::with(pool, &[("BACKEND_RESERVED_RACE_NAMES", "Emperor,Kaiser")]).await;
    let owner = lobby.player().await;
    let player = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    let path = format!("/lobby/games/{game}/applications");
    for name in ["", "x", "Zorg_ons", "Zоrgons", " Zorgons", "a  b"] {
        let answer = lobby
            .post(player, &path, json!({"race_name": name}))
            .await
            .expect(400);
        assert_eq!(answer["error"]["details"][0]["field"], "race_name");
    }
    for name in ["Admin", "SYS-TEM", "emper0r"] {
        lobby
            .post(player, &path, json!({"race_name": name}))
            .await
            .refused(409, "race_name_reserved");
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_name_that_reads_like_a_held_one_is_taken_in_every_game(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let (one, other) = (lobby.player().await, lobby.player().await);
    let (first, second) = (lobby.player().await, lobby.player().await);
    let game = lobby.open_game(one, json!({})).await;
    let elsewhere = lobby.open_game(other, json!({})).await;
    let early = lobby.apply(second, elsewhere, "Zorg0ns").await;
    lobby.join(one, first, game, "Zorgons").await;
    lobby
        .approve(other, elsewhere, &early)
        .await
        .refused(409, "race_name_taken");
    for (player, name) in [(second, "ZORG-ONS"), (first, "zorgons")] {
        lobby
            .post(
                player,
                &format!("/lobby/games/{elsewhere}/applications"),
                json!({"race_name": name}),
            )
            .await
            .refused(409, "race_name_taken");
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn limits_bound_open_applications_and_memberships(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    let player = lobby.player().await;
    set_limit(&lobby, player, "max_pending_applications", 1).await;
    set_limit(&lobby, player, "max_active_memberships", 1).await;
    let games = [
        lobby.open_game(owner, json!({})).await,
        lobby.open_game(owner, json!({})).await,
    ];
    let first = lobby.apply(player, games[0], "Alphas").await;
    lobby
        .post(
            player,
            &format!("/lobby/games/{}/applications", games[1]),
            json!({"race_name": "Betas"}),
        )
        .await
        .refused(409, "limit_reached");
    lobby.approve(owner, games[0], &first).await.expect(200);
    let second = lobby.apply(player, games[1], "Betas").await;
    lobby
        .approve(owner, games[1], &second)
        .await
        .refused(409, "limit_reached");
    let open = lobby
        .get(owner, &format!("/lobby/games/{}/applications", games[1]))
        .await
        .expect(200);
    assert_eq!(open["items"][0]["status"], "submitted");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_applicant_who_may_not_join_is_not_approved(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let player = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    let application = lobby.apply(player, game, "Zorgons").await;
    sanction(&lobby, player, "game_join_block").await;
    lobby
        .approve(owner, game, &application)
        .await
        .refused(409, "player_may_not_join");
}
