//! Members who leave, are removed, or may not come back.

use galaxy_events::catalogue::lobby::{MembershipBlocked, MembershipRemoved, RaceNameReleased};
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Lobby, started, text};
use galaxy_core::{GameId, UserId};

async fn membership_of(lobby: &Lobby, owner: UserId, game: GameId, player: UserId) -> String {
    let page = lobby
        .get(owner, &format!("/lobby/games/{game}/memberships"))
        .await
        .expect(200);
    let members = page["items"].as_array().unwrap();
    let id = player.to_string();
    let member = members.iter().find(|member| member["user_id"] == id);
    text(member.expect("a member"), "membership_id")
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_removed_member_frees_place_and_name_and_may_come_back(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let player = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    lobby.join(owner, player, game, "Zorgons").await;
    let id = membership_of(&lobby, owner, game, player).await;
    let path = format!("/lobby/games/{game}/memberships/{id}/remove");
    lobby.act(owner, &path).await.expect(204);
    lobby
        .act(owner, &path)
        .await
        .refused(409, "invalid_transition");
    assert_eq!(lobby.held_names().await, 0);
    let removed = lobby.world.events::<MembershipRemoved>().await;
    assert_eq!(
        (
            removed[0].membership.user_id,
            removed[0].membership.by_user_id
        ),
        (player, Some(owner))
    );
    assert_eq!(lobby.world.events::<RaceNameReleased>().await.len(), 1);
    let view = lobby
        .get(owner, &format!("/lobby/games/{game}"))
        .await
        .expect(200);
    assert_eq!(view["approved_count"], 0);

    lobby.join(owner, player, game, "Others").await;
    assert_eq!(membership_of(&lobby, owner, game, player).await, id);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_member_may_leave_but_not_remove_another(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, [one, other]) = lobby.running_game(owner, "Zorg").await;
    let id = membership_of(&lobby, owner, game, other).await;
    let remove = format!("/lobby/games/{game}/memberships/{id}/remove");
    let block = format!("/lobby/games/{game}/memberships/{id}/block");
    for player in [one, lobby.player().await] {
        lobby.act(player, &remove).await.refused(403, "not_owner");
        lobby.act(player, &block).await.refused(403, "not_owner");
    }
    lobby.act(other, &remove).await.expect(204);
    let removed = lobby.world.events::<MembershipRemoved>().await;
    assert_eq!(removed[0].membership.race_name, "Zorg twos");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_blocked_player_can_neither_apply_nor_redeem(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let player = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    lobby.join(owner, player, game, "Zorgons").await;
    let id = membership_of(&lobby, owner, game, player).await;
    let path = format!("/lobby/games/{game}/memberships/{id}/block");
    lobby.act(owner, &path).await.expect(204);
    lobby
        .act(owner, &path)
        .await
        .refused(409, "invalid_transition");
    assert_eq!(
        lobby.world.events::<MembershipBlocked>().await[0]
            .membership
            .user_id,
        player
    );
    lobby
        .post(
            player,
            &format!("/lobby/games/{game}/applications"),
            json!({"race_name": "Zorgons"}),
        )
        .await
        .refused(403, "blocked_from_game");
    lobby
        .post(
            owner,
            &format!("/lobby/games/{game}/invites"),
            json!({"invited_user_id": player}),
        )
        .await
        .refused(403, "blocked_from_game");
    let invite = lobby
        .post(owner, &format!("/lobby/games/{game}/invites"), json!({}))
        .await
        .expect(201);
    lobby
        .post(
            player,
            &format!(
                "/lobby/games/{game}/invites/{}/redeem",
                text(&invite, "invite_id")
            ),
            json!({"race_name": "Zorgons", "code": invite["code"]}),
        )
        .await
        .refused(403, "blocked_from_game");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_removed_member_can_be_blocked_afterwards(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let player = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    lobby.join(owner, player, game, "Zorgons").await;
    let id = membership_of(&lobby, owner, game, player).await;
    let path = format!("/lobby/games/{game}/memberships/{id}");
    lobby
        .act(player, &format!("{path}/remove"))
        .await
        .expect(204);
    lobby.act(owner, &format!("{path}/block")).await.expect(204);
    lobby
        .post(
            player,
            &format!("/lobby/games/{game}/applications"),
            json!({"race_name": "Zorgons"}),
        )
        .await
        .refused(403, "blocked_from_game");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn nobody_leaves_a_game_that_is_over(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, [one, _]) = lobby.running_game(owner, "Zorg").await;
    let id = membership_of(&lobby, owner, game, one).await;
    lobby
        .apply_event(&crate::support::finished(game, vec![]))
        .await;
    lobby
        .act(one, &format!("/lobby/games/{game}/memberships/{id}/remove"))
        .await
        .refused(409, "game_over");
}

/// The users whose banishment is queued.
async fn banished(lobby: &Lobby) -> Vec<String> {
    sqlx::query_scalar(
        "select params ->> 'user_id' from backend.runtime_operation_log where op = 'banish'",
    )
    .fetch_all(lobby.world.db.pool())
    .await
    .unwrap()
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn who_leaves_and_comes_back_before_the_start_is_not_banished(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    let [player, other] = [lobby.player().await, lobby.player().await];
    lobby.join(owner, player, game, "Zorgons").await;
    lobby.join(owner, other, game, "Others").await;
    let id = membership_of(&lobby, owner, game, player).await;
    let remove = format!("/lobby/games/{game}/memberships/{id}/remove");
    lobby.act(player, &remove).await.expect(204);
    lobby.join(owner, player, game, "Zorgons").await;
    for action in ["ready-to-start", "start"] {
        let path = format!("/lobby/games/{game}/{action}");
        let answer = lobby.act(owner, &path).await;
        assert!(answer.status.is_success(), "{}", answer.body);
    }
    lobby.runtime_is(game, "running").await;
    lobby.apply_event(&started(game)).await;
    assert!(banished(&lobby).await.is_empty());
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_member_who_is_out_of_a_running_game_is_banished_once_with_the_commit(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, [one, other]) = lobby.running_game(owner, "Zorg").await;
    let id = membership_of(&lobby, owner, game, one).await;
    let path = format!("/lobby/games/{game}/memberships/{id}");
    lobby.act(one, &format!("{path}/remove")).await.expect(204);
    assert_eq!(banished(&lobby).await, [one.to_string()]);
    lobby.act(owner, &format!("{path}/block")).await.expect(204);
    assert_eq!(banished(&lobby).await.len(), 1, "once");
    let body = json!({ "user_id": other, "reason": "Plays two accounts." });
    let ban = format!("/games/{game}/ban-member");
    lobby.admin("POST", &ban, Some(body)).await.expect(204);
    assert_eq!(banished(&lobby).await.len(), 2);
}
