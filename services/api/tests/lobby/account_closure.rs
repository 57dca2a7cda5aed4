//! What is left of a player in the lobby after the account is deleted: nothing.

use galaxy_api::lobby::end_participation;
use galaxy_core::{FailureCode, GameId, UserId};
use galaxy_events::catalogue::lobby::{GameCancelled, GamePaused, MembershipRemoved};
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Lobby, finished, player_snapshot, start_failed, started};

async fn release(lobby: &Lobby, user: UserId) {
    let mut tx = lobby.world.db.begin().await.unwrap();
    end_participation(&mut tx, user, lobby.now()).await.unwrap();
    tx.commit().await.unwrap();
}

/// A game with two members whose engine is being started.
async fn starting(lobby: &Lobby, owner: UserId) -> GameId {
    let game = lobby.open_game(owner, json!({})).await;
    for race in ["Alphas", "Betas"] {
        let player = lobby.player().await;
        lobby.join(owner, player, game, race).await;
    }
    for action in ["ready-to-start", "start"] {
        let path = format!("/lobby/games/{game}/{action}");
        let answer = lobby.act(owner, &path).await;
        assert!(answer.status.is_success(), "{}", answer.body);
    }
    game
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_leaving_player_loses_applications_invites_memberships_and_names(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    let leaver = lobby.rich_player().await;
    let (earned, [_, _]) = lobby.running_game(owner, "Zorg").await;
    let game = lobby.open_game(owner, json!({})).await;
    lobby.join(owner, leaver, game, "Alphas").await;
    let applied = lobby.open_game(owner, json!({})).await;
    lobby.apply(leaver, applied, "Betas").await;
    lobby
        .post(
            owner,
            &format!("/lobby/games/{applied}/invites"),
            json!({"invited_user_id": leaver}),
        )
        .await
        .expect(201);
    sqlx::query(
        "insert into backend.race_names (race_name_id, name, canonical, status, owner_user_id, game_id, registered_at)
         values (gen_random_uuid(), 'Kept', 'kept', 'registered', $1, $2, now())",
    )
    .bind(leaver.uuid())
    .bind(earned.uuid())
    .execute(lobby.world.db.pool())
    .await
    .unwrap();
    for _ in 0..2 {
        release(&lobby, leaver).await;
    }
    for (left, sql) in [
        (
            "application",
            "select count(*) from backend.applications where status = 'submitted'",
        ),
        (
            "invite",
            "select count(*) from backend.invites where status = 'created'",
        ),
    ] {
        assert_eq!(lobby.world.count(sql).await, 0, "{left}");
    }
    assert_eq!(lobby.held_names().await, 2, "those of the others");
    let removed = lobby.world.events::<MembershipRemoved>().await;
    assert_eq!(removed.len(), 1);
    assert_eq!(
        (
            removed[0].membership.user_id,
            removed[0].membership.by_user_id
        ),
        (leaver, None)
    );
    let view = lobby
        .get(owner, &format!("/lobby/games/{game}"))
        .await
        .expect(200);
    assert_eq!(view["approved_count"], 0);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn games_of_a_leaving_owner_are_cancelled_or_paused_for_operators(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    let draft = lobby.draft(owner, json!({})).await;
    let open = lobby.open_game(owner, json!({})).await;
    let (running, members) = lobby.running_game(owner, "Zorg").await;
    let (over, [winner, _]) = lobby.running_game(owner, "Other").await;
    lobby
        .apply_event(&finished(over, vec![player_snapshot(winner, true)]))
        .await;
    release(&lobby, owner).await;
    for (game, status) in [
        (draft, "cancelled"),
        (open, "cancelled"),
        (running, "paused"),
        (over, "finished"),
    ] {
        assert_eq!(lobby.status(game).await, status);
    }
    let handed_over = lobby
        .world
        .count("select count(*) from backend.games where handed_over_at is not null")
        .await;
    assert_eq!(handed_over, 1);
    assert_eq!(lobby.world.events::<GameCancelled>().await.len(), 2);
    let paused = lobby.world.events::<GamePaused>().await;
    assert_eq!(paused[0].roster.member_user_ids, members);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_game_that_was_starting_when_its_owner_left_is_paused_once_it_runs(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = starting(&lobby, owner).await;
    release(&lobby, owner).await;
    assert_eq!(lobby.status(game).await, "starting");
    lobby.runtime_is(game, "running").await;
    lobby.apply_event(&started(game)).await;
    assert_eq!(lobby.status(game).await, "paused");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_operator_resumes_a_game_whose_owner_left(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, _) = lobby.running_game(owner, "Zorg").await;
    release(&lobby, owner).await;
    assert_eq!(lobby.status(game).await, "paused");
    let path = format!("/games/{game}/resume");
    let view = lobby.admin("POST", &path, None).await.expect(200);
    assert_eq!(
        (&view["status"], &view["runtime_status"]),
        (&json!("running"), &json!("running"))
    );
    lobby
        .admin("POST", &path, None)
        .await
        .refused(409, "invalid_transition");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_start_that_fails_after_the_owner_left_cancels_the_game_and_frees_its_names(
    pool: PgPool,
) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = starting(&lobby, owner).await;
    release(&lobby, owner).await;
    assert_eq!(lobby.held_names().await, 2);
    let failure = start_failed(game, FailureCode::ImagePullFailed);
    lobby.apply_event(&failure).await;
    assert_eq!(lobby.status(game).await, "cancelled");
    assert_eq!(lobby.held_names().await, 0);
    assert_eq!(lobby.world.events::<GameCancelled>().await.len(), 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_operator_cancels_a_game_whose_start_failed(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = starting(&lobby, owner).await;
    let path = format!("/games/{game}/cancel");
    lobby
        .admin("POST", &path, None)
        .await
        .refused(409, "invalid_transition");
    let failure = start_failed(game, FailureCode::ImagePullFailed);
    lobby.apply_event(&failure).await;
    let view = lobby.admin("POST", &path, None).await.expect(200);
    assert_eq!(view["status"], "cancelled");
    assert_eq!(lobby.held_names().await, 0);
}
