//! Invites by name and by code.

use galaxy_events::catalogue::lobby::{
    InviteCreated, InviteDeclined, InviteRedeemed, InviteRevoked,
};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Answer, Lobby, text};
use galaxy_core::{GameId, UserId};

async fn private_game(lobby: &Lobby) -> (UserId, GameId) {
    let owner = lobby.player().await;
    let game = lobby
        .open_game(owner, json!({"visibility": "private"}))
        .await;
    (owner, game)
}

async fn invite(lobby: &Lobby, owner: UserId, game: GameId, body: Value) -> Value {
    lobby
        .post(owner, &format!("/lobby/games/{game}/invites"), body)
        .await
        .expect(201)
}

async fn on(lobby: &Lobby, who: UserId, invite: &Value, verb: &str, body: Option<Value>) -> Answer {
    let path = format!(
        "/lobby/games/{}/invites/{}/{verb}",
        text(invite, "game_id"),
        text(invite, "invite_id")
    );
    lobby.call(who, "POST", &path, body).await
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_invitee_sees_the_private_game_and_joins_it(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let (owner, game) = private_game(&lobby).await;
    let player = lobby.player().await;
    let path = format!("/lobby/games/{game}");
    lobby.get(player, &path).await.refused(404, "not_found");
    let made = invite(&lobby, owner, game, json!({"invited_user_id": player})).await;
    assert_eq!(made["status"], "created");
    assert!(made.get("code").is_none());
    lobby.get(player, &path).await.expect(200);
    let mine = lobby.get(player, "/lobby/my/invites").await.expect(200);
    assert_eq!(mine["items"][0]["invite_id"], made["invite_id"]);

    let join = json!({"race_name": "Zorgons"});
    let member = on(&lobby, player, &made, "redeem", Some(join.clone()))
        .await
        .expect(200);
    assert_eq!(member["user_id"], player.to_string());
    assert_eq!(member["race_name"], "Zorgons");
    on(&lobby, player, &made, "redeem", Some(join))
        .await
        .refused(409, "invalid_transition");
    assert_eq!(
        lobby.world.events::<InviteCreated>().await[0]
            .invite
            .invited_user_id,
        Some(player)
    );
    let redeemed = lobby.world.events::<InviteRedeemed>().await;
    assert_eq!(redeemed[0].redeemed_by_user_id, player);
    assert_eq!(redeemed[0].invite.game.owner_user_id, owner);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_private_game_takes_no_applications_even_of_invitees(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let (owner, game) = private_game(&lobby).await;
    let (invitee, stranger) = (lobby.player().await, lobby.player().await);
    invite(&lobby, owner, game, json!({"invited_user_id": invitee})).await;
    let path = format!("/lobby/games/{game}/applications");
    let body = json!({"race_name": "Zorgons"});
    lobby
        .post(invitee, &path, body.clone())
        .await
        .refused(409, "invite_only");
    lobby
        .post(stranger, &path, body)
        .await
        .refused(404, "not_found");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_invite_of_another_player_is_404(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let (owner, game) = private_game(&lobby).await;
    let (player, thief) = (lobby.player().await, lobby.player().await);
    let made = invite(&lobby, owner, game, json!({"invited_user_id": player})).await;
    on(
        &lobby,
        thief,
        &made,
        "redeem",
        Some(json!({"race_name": "Zorgons"})),
    )
    .await
    .refused(404, "not_found");
    on(&lobby, thief, &made, "decline", None)
        .await
        .refused(404, "not_found");
    on(&lobby, thief, &made, "revoke", None)
        .await
        .refused(404, "not_found");
    on(&lobby, player, &made, "revoke", None)
        .await
        .refused(403, "not_owner");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_declined_or_revoked_invite_no_longer_shows_the_game(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let (owner, game) = private_game(&lobby).await;
    let (one, other) = (lobby.player().await, lobby.player().await);
    let declined = invite(&lobby, owner, game, json!({"invited_user_id": one})).await;
    let revoked = invite(&lobby, owner, game, json!({"invited_user_id": other})).await;
    on(&lobby, one, &declined, "decline", None)
        .await
        .expect(204);
    on(&lobby, owner, &revoked, "revoke", None)
        .await
        .expect(204);
    for player in [one, other] {
        lobby
            .get(player, &format!("/lobby/games/{game}"))
            .await
            .refused(404, "not_found");
    }
    on(&lobby, owner, &revoked, "revoke", None)
        .await
        .refused(409, "invalid_transition");
    assert_eq!(lobby.world.events::<InviteDeclined>().await.len(), 1);
    assert_eq!(lobby.world.events::<InviteRevoked>().await.len(), 1);
    invite(&lobby, owner, game, json!({"invited_user_id": one})).await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_code_is_shown_once_stored_as_a_hash_and_redeemed_once(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let (owner, game) = private_game(&lobby).await;
    let made = invite(&lobby, owner, game, json!({})).await;
    let code = text(&made, "code");
    assert_eq!(code.len(), 12);
    let listed = lobby
        .get(owner, &format!("/lobby/games/{game}/invites"))
        .await
        .expect(200);
    assert!(listed["items"][0].get("code").is_none(), "{listed}");
    let kept: Vec<u8> = sqlx::query_scalar("select code from backend.invites")
        .fetch_one(lobby.world.db.pool())
        .await
        .unwrap();
    assert!(!String::from_utf8_lossy(&kept).contains(&code));

    let (one, other) = (lobby.player().await, lobby.player().await);
    let body = |race: &str| Some(json!({"race_name": race, "code": code.to_uppercase()}));
    on(&lobby, one, &made, "redeem", body("Alphas"))
        .await
        .expect(200);
    on(&lobby, other, &made, "redeem", body("Betas"))
        .await
        .refused(409, "invalid_transition");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_wrong_code_looks_like_no_invite_and_tries_are_limited(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let (owner, game) = private_game(&lobby).await;
    let made = invite(&lobby, owner, game, json!({})).await;
    let guesser = lobby.player().await;
    let guess = || {
        let body = json!({"race_name": "Zorgons", "code": "000000000000"});
        on(&lobby, guesser, &made, "redeem", Some(body))
    };
    for _ in 0..10 {
        guess().await.refused(404, "not_found");
    }
    guess().await.refused(429, "too_many_requests");
    let right = json!({"race_name": "Zorgons", "code": made["code"]});
    on(&lobby, guesser, &made, "redeem", Some(right.clone()))
        .await
        .refused(429, "too_many_requests");
    let other = lobby.player().await;
    on(&lobby, other, &made, "redeem", Some(right))
        .await
        .expect(200);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_code_invite_is_not_redeemed_without_its_code(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let (owner, game) = private_game(&lobby).await;
    let made = invite(&lobby, owner, game, json!({})).await;
    let player = lobby.player().await;
    for body in [
        json!({"race_name": "Zorgons"}),
        json!({"race_name": "Zorgons", "code": ""}),
    ] {
        on(&lobby, player, &made, "redeem", Some(body))
            .await
            .refused(404, "not_found");
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn invites_are_made_while_a_game_enrolls_and_one_a_player(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    let player = lobby.player().await;
    let draft = lobby.draft(owner, json!({})).await;
    let game = lobby.open_game(owner, json!({})).await;
    let post = async |game, body| {
        lobby
            .post(owner, &format!("/lobby/games/{game}/invites"), body)
            .await
    };
    let named = json!({"invited_user_id": player});
    post(draft, named.clone())
        .await
        .refused(409, "enrollment_closed");
    post(game, json!({"invited_user_id": UserId::generate()}))
        .await
        .refused(400, "invalid_request");
    post(game, named.clone()).await.expect(201);
    post(game, named.clone())
        .await
        .refused(409, "already_invited");
    lobby.join(owner, player, game, "Zorgons").await;
    post(game, named).await.refused(409, "already_member");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_invite_runs_out_with_the_enrollment(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let (owner, game) = private_game(&lobby).await;
    let player = lobby.player().await;
    let made = invite(&lobby, owner, game, json!({"invited_user_id": player})).await;
    lobby
        .world
        .clock
        .advance(jiff::SignedDuration::from_hours(25));
    let join = Some(json!({"race_name": "Zorgons"}));
    on(&lobby, player, &made, "redeem", join)
        .await
        .refused(409, "invite_expired");
}
