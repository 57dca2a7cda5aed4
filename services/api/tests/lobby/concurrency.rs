//! Races run for real: many calls at once, and what must hold afterwards.

use futures_util::future::join_all;
use galaxy_events::catalogue::lobby::{ApplicationApproved, GameStarting};
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Answer, Lobby};

fn winners(answers: &[Answer]) -> usize {
    answers
        .iter()
        .filter(|answer| answer.status.is_success())
        .count()
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn fifty_concurrent_approvals_do_not_exceed_the_maximum(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = lobby.open_game(owner, json!({"max_players": 7})).await;
    let mut applications = vec![];
    for n in 0..50 {
        let player = lobby.player().await;
        applications.push(lobby.apply(player, game, &format!("Race {n:02}")).await);
    }
    let calls = applications.iter().map(|id| lobby.approve(owner, game, id));
    let answers = lobby.race(calls).await;
    assert_eq!(winners(&answers), 7);
    for answer in answers {
        if !answer.status.is_success() {
            answer.refused(409, "roster_full");
        }
    }
    let members = lobby
        .world
        .count("select count(*) from backend.memberships where status = 'active'")
        .await;
    let counted = lobby
        .world
        .count("select approved_count::bigint from backend.games")
        .await;
    let told = lobby.world.events::<ApplicationApproved>().await.len();
    assert_eq!((members, counted, told), (7, 7, 7));
    assert_eq!(lobby.held_names().await, 7);
    let open = lobby
        .world
        .count("select count(*) from backend.applications where status = 'submitted'")
        .await;
    assert_eq!(open, 43, "a refused approval leaves the application open");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn of_concurrent_starts_one_succeeds(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    for race in ["Alphas", "Betas"] {
        let player = lobby.player().await;
        lobby.join(owner, player, game, race).await;
    }
    lobby
        .act(owner, &format!("/lobby/games/{game}/ready-to-start"))
        .await
        .expect(200);
    let path = format!("/lobby/games/{game}/start");
    let answers = lobby.race((0..10).map(|_| lobby.act(owner, &path))).await;
    assert_eq!(winners(&answers), 1);
    assert_eq!(lobby.world.events::<GameStarting>().await.len(), 1);
    let queued = lobby
        .world
        .count("select count(*) from backend.runtime_operation_log")
        .await;
    assert_eq!(queued, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn of_concurrent_applications_of_one_player_one_is_open(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let player = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    let path = format!("/lobby/games/{game}/applications");
    let calls = (0..10).map(|_| lobby.post(player, &path, json!({"race_name": "Zorgons"})));
    assert_eq!(winners(&lobby.race(calls).await), 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_race_name_is_reserved_by_one_of_many_concurrent_games(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let mut approvals = vec![];
    for n in 0..8 {
        let (owner, player) = (lobby.player().await, lobby.player().await);
        let game = lobby.open_game(owner, json!({})).await;
        let spelling = if n % 2 == 0 { "Zorgons" } else { "Zorg0ns" };
        approvals.push((owner, game, lobby.apply(player, game, spelling).await));
    }
    let calls = approvals
        .iter()
        .map(|(owner, game, id)| lobby.approve(*owner, *game, id));
    let answers = lobby.race(calls).await;
    assert_eq!(winners(&answers), 1);
    assert_eq!(lobby.held_names().await, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_code_is_redeemed_by_one_of_many_concurrent_players(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = lobby
        .open_game(owner, json!({"visibility": "private"}))
        .await;
    let invite = lobby
        .post(owner, &format!("/lobby/games/{game}/invites"), json!({}))
        .await
        .expect(201);
    let path = format!(
        "/lobby/games/{game}/invites/{}/redeem",
        invite["invite_id"].as_str().unwrap()
    );
    let mut players = vec![];
    for _ in 0..8 {
        players.push(lobby.player().await);
    }
    let calls = players.iter().enumerate().map(|(n, player)| {
        let body = json!({"race_name": format!("Race {n}"), "code": invite["code"]});
        lobby.post(*player, &path, body)
    });
    assert_eq!(winners(&lobby.race(calls).await), 1);
    assert_eq!(lobby.held_names().await, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn concurrent_approvals_of_one_player_do_not_exceed_the_limit(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    let player = lobby.rich_player().await;
    crate::create::set_limit(&lobby, player, "max_active_memberships", 2).await;
    let mut approvals = vec![];
    for n in 0..6 {
        let game = lobby.open_game(owner, json!({})).await;
        approvals.push((game, lobby.apply(player, game, &format!("Race {n}")).await));
    }
    let calls = approvals
        .iter()
        .map(|(game, id)| lobby.approve(owner, *game, id));
    assert_eq!(winners(&lobby.race(calls).await), 2);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn accounts_deleted_during_their_approval_leave_no_membership(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = lobby.open_game(owner, json!({"max_players": 20})).await;
    let mut players = vec![];
    for n in 0..12 {
        let player = lobby.player().await;
        let application = lobby.apply(player, game, &format!("Race {n:02}")).await;
        players.push((player, application));
    }
    let approvals = join_all(players.iter().map(|(_, id)| lobby.approve(owner, game, id)));
    let deletions = join_all(
        players
            .iter()
            .map(|(player, _)| lobby.act(*player, "/account/delete")),
    );
    lobby.race([std::future::ready(())]).await;
    let (approvals, deletions) = tokio::join!(approvals, deletions);
    for deletion in deletions {
        deletion.expect(204);
    }
    for approval in approvals {
        let status = approval.status.as_u16();
        assert!(matches!(status, 200 | 409), "{approval:?}");
    }
    for (left, sql) in [
        (
            "member",
            "select count(*) from backend.memberships where status = 'active'",
        ),
        (
            "application",
            "select count(*) from backend.applications where status = 'submitted'",
        ),
        (
            "name",
            "select count(*) from backend.race_names where status <> 'released'",
        ),
        ("count", "select approved_count::bigint from backend.games"),
    ] {
        assert_eq!(lobby.world.count(sql).await, 0, "{left}");
    }
}
