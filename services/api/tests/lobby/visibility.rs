//! Who sees which game.

use galaxy_core::GameId;
use serde_json::json;
use sqlx::PgPool;

use crate::support::Lobby;

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_hidden_game_is_404_in_every_call(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    let stranger = lobby.player().await;
    let private = lobby
        .open_game(owner, json!({"visibility": "private"}))
        .await;
    let draft = lobby.draft(owner, json!({})).await;
    for game in [private, draft, GameId::generate()] {
        let path = format!("/lobby/games/{game}");
        for list in ["", "/memberships", "/applications", "/invites"] {
            lobby
                .get(stranger, &format!("{path}{list}"))
                .await
                .refused(404, "not_found");
        }
        for action in ["open-enrollment", "start", "cancel"] {
            lobby
                .act(stranger, &format!("{path}/{action}"))
                .await
                .refused(404, "not_found");
        }
        lobby
            .call(stranger, "PATCH", &path, Some(json!({})))
            .await
            .refused(404, "not_found");
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn members_of_a_private_game_are_shown_to_owner_and_members_only(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (member, invitee) = (lobby.player().await, lobby.player().await);
    let game = lobby
        .open_game(owner, json!({"visibility": "private"}))
        .await;
    for player in [member, invitee] {
        let invite = lobby
            .post(
                owner,
                &format!("/lobby/games/{game}/invites"),
                json!({"invited_user_id": player}),
            )
            .await
            .expect(201);
        if player == member {
            let id = invite["invite_id"].as_str().unwrap();
            let path = format!("/lobby/games/{game}/invites/{id}/redeem");
            lobby
                .post(player, &path, json!({"race_name": "Zorgons"}))
                .await
                .expect(200);
        }
    }
    let path = format!("/lobby/games/{game}/memberships");
    for player in [owner, member] {
        let page = lobby.get(player, &path).await.expect(200);
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
    }
    lobby.get(invitee, &path).await.refused(403, "not_member");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn lists_and_decisions_of_the_owner_are_refused_to_others(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let stranger = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    for list in ["applications", "invites"] {
        lobby
            .get(stranger, &format!("/lobby/games/{game}/{list}"))
            .await
            .refused(403, "not_owner");
        lobby
            .get(owner, &format!("/lobby/games/{game}/{list}"))
            .await
            .expect(200);
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_path_that_is_not_an_id_is_a_bad_request(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let player = lobby.player().await;
    lobby
        .get(player, "/lobby/games/orion")
        .await
        .refused(400, "invalid_request");
}
