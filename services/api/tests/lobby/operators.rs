//! What operators do about games, engines and versions: allowed to them alone, and on the record.

use galaxy_core::GameId;
use galaxy_events::catalogue::lobby::{
    GameFinished, GameStarting, MembershipBlocked, RaceNamePending,
};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Lobby, player_snapshot, snapshot, text};

/// The actions in the audit log, oldest first.
async fn audited(lobby: &Lobby) -> Vec<String> {
    sqlx::query_scalar("select action from backend.admin_audit_log order by created_at, audit_id")
        .fetch_all(lobby.world.db.pool())
        .await
        .unwrap()
}

async fn post(lobby: &Lobby, path: &str) -> crate::support::Answer {
    lobby.admin("POST", path, None).await
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_operator_sees_every_game(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    let other = lobby.player().await;
    let draft = lobby.draft(owner, json!({})).await;
    let private = lobby
        .open_game(owner, json!({"visibility": "private"}))
        .await;
    let public = lobby.open_game(other, json!({})).await;
    let player = lobby.player().await;
    lobby.join(other, player, public, "Zorgons").await;

    let ids = async |query: &str| {
        let page = lobby
            .admin("GET", &format!("/games{query}"), None)
            .await
            .expect(200);
        let items = page["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|game| text(game, "game_id"))
            .collect::<Vec<_>>()
    };
    let (draft, private, public) = (draft.to_string(), private.to_string(), public.to_string());
    assert_eq!(ids("?status=draft").await, std::slice::from_ref(&draft));
    assert_eq!(
        ids("").await,
        [public.clone(), private.clone(), draft.clone()]
    );
    assert_eq!(
        ids(&format!("?owner_user_id={owner}")).await,
        [private, draft]
    );
    lobby
        .admin(
            "GET",
            &format!("/games?status=draft&owner_user_id={owner}"),
            None,
        )
        .await
        .refused(400, "invalid_request");

    let game = lobby
        .admin("GET", &format!("/games/{public}"), None)
        .await
        .expect(200);
    assert_eq!(game["status"], "enrollment_open");
    assert_eq!(game["members"][0]["user_id"], player.to_string());
    lobby
        .admin("GET", &format!("/games/{}", GameId::generate()), None)
        .await
        .refused(404, "not_found");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn force_start_skips_the_minimum_but_not_an_empty_roster(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    let path = format!("/games/{game}/force-start");
    post(&lobby, &path).await.refused(409, "empty_roster");
    let player = lobby.player().await;
    let waiting = lobby.player().await;
    lobby.join(owner, player, game, "Zorgons").await;
    lobby.apply(waiting, game, "Others").await;
    let started = post(&lobby, &path).await.expect(202);
    assert_eq!(started["status"], "starting");
    post(&lobby, &path).await.refused(409, "invalid_transition");
    assert_eq!(
        lobby.world.events::<GameStarting>().await[0]
            .roster
            .member_user_ids,
        [player]
    );
    let open = lobby
        .world
        .count("select count(*) from backend.applications where status = 'submitted'")
        .await;
    assert_eq!(open, 0, "enrollment is over");
    let by: String = sqlx::query_scalar("select requested_by from backend.runtime_operation_log")
        .fetch_one(lobby.world.db.pool())
        .await
        .unwrap();
    assert_eq!(by, "admin:root");
    assert_eq!(audited(&lobby).await, ["games.force_start"]);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn force_stop_finishes_the_game_with_its_last_snapshot(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, [winner, loser]) = lobby.running_game(owner, "Zorg").await;
    let mut view = snapshot(game, 5, 3);
    view.players = vec![player_snapshot(winner, true), player_snapshot(loser, false)];
    lobby.apply_event(&view).await;
    lobby.apply_event(&snapshot(game, 6, 3)).await;
    let path = format!("/games/{game}/force-stop");
    let stopped = post(&lobby, &path).await.expect(200);
    assert_eq!(stopped["status"], "finished");
    post(&lobby, &path).await.refused(409, "invalid_transition");
    let pending = lobby.world.events::<RaceNamePending>().await;
    assert_eq!((pending.len(), pending[0].user_id), (1, winner));
    assert_eq!(lobby.world.events::<GameFinished>().await.len(), 1);
    let removals = lobby
        .world
        .count("select count(*) from backend.runtime_operation_log where op = 'remove'")
        .await;
    assert_eq!(removals, 1, "the engine goes");
    assert_eq!(audited(&lobby).await, ["games.force_stop"]);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_banned_member_cannot_join_again(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, [member, _]) = lobby.running_game(owner, "Zorg").await;
    let ban = async |body: Value| {
        lobby
            .admin("POST", &format!("/games/{game}/ban-member"), Some(body))
            .await
    };
    let body = json!({"user_id": member, "reason": "Plays two accounts."});
    ban(json!({"user_id": member, "reason": ""}))
        .await
        .refused(400, "invalid_request");
    ban(body.clone()).await.expect(204);
    ban(body).await.refused(409, "invalid_transition");
    ban(json!({"user_id": owner, "reason": "x"}))
        .await
        .refused(404, "not_found");
    let blocked = lobby.world.events::<MembershipBlocked>().await;
    assert_eq!(
        (
            blocked[0].membership.user_id,
            blocked[0].membership.by_user_id
        ),
        (member, None)
    );
    assert_eq!(audited(&lobby).await, ["games.ban_member"]);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn runtimes_are_restarted_patched_and_moved_a_turn_on(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, _) = lobby.running_game(owner, "Zorg").await;
    let runtime = lobby
        .admin("GET", &format!("/runtimes/{game}"), None)
        .await
        .expect(200);
    assert_eq!(runtime["status"], "running");
    assert_eq!(runtime["engine_version"], "1.0.0");
    let path = format!("/runtimes/{game}");
    let restart = post(&lobby, &format!("{path}/restart")).await.expect(202);
    assert_eq!(restart["op"], "restart");
    let turn = post(&lobby, &format!("{path}/force-next-turn"))
        .await
        .expect(202);
    assert_eq!(turn["requested_by"], "admin:root");
    post(&lobby, &format!("{path}/force-next-turn"))
        .await
        .refused(409, "turn_in_progress");

    for (version, enabled) in [("1.0.1", true), ("1.0.2", false), ("1.1.0", true)] {
        create_version(&lobby, version).await;
        if !enabled {
            post(&lobby, &format!("/engine-versions/{version}/disable"))
                .await
                .expect(200);
        }
    }
    let patch = async |version: &str| {
        let body = json!({"version": version});
        lobby
            .admin("POST", &format!("{path}/patch"), Some(body))
            .await
    };
    for (version, code) in [
        ("1.0.0", "not_a_patch"),
        ("1.1.0", "not_a_patch"),
        ("1.0.2", "no_engine_version"),
        ("7.0.0", "no_engine_version"),
    ] {
        patch(version).await.refused(409, code);
    }
    patch("1.0.1").await.expect(202);
    let operations = lobby
        .admin("GET", &format!("{path}/operations?limit=3"), None)
        .await
        .expect(200);
    assert_eq!(operations["items"][0]["op"], "patch");
    assert!(operations["next_cursor"].is_string());
    let list = lobby
        .admin("GET", "/runtimes?status=running", None)
        .await
        .expect(200);
    assert_eq!(list["items"][0]["game_id"], game.to_string());
    let unknown = GameId::generate();
    for action in ["restart", "force-next-turn"] {
        post(&lobby, &format!("/runtimes/{unknown}/{action}"))
            .await
            .refused(404, "not_found");
    }
}

async fn create_version(lobby: &Lobby, version: &str) -> Value {
    let image_ref = format!("example.org/engine:{version}");
    let body = json!({"version": version, "image_ref": image_ref, "resources": {"memory_mib": 64}});
    lobby
        .admin("POST", "/engine-versions", Some(body))
        .await
        .expect(201)
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn engine_versions_are_created_changed_and_disabled(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let made = create_version(&lobby, "1.0.1").await;
    assert_eq!(made["enabled"], true);
    for (body, field) in [
        (json!({"version": "1", "image_ref": "a:1"}), "version"),
        (
            json!({"version": "1.0.3", "image_ref": "latest"}),
            "image_ref",
        ),
        (
            json!({"version": "1.0.3", "image_ref": "a:1", "resources": 3}),
            "resources",
        ),
    ] {
        let answer = lobby
            .admin("POST", "/engine-versions", Some(body))
            .await
            .expect(400);
        assert_eq!(answer["error"]["details"][0]["field"], field);
    }
    let again = json!({"version": "1.0.1", "image_ref": "a:1"});
    lobby
        .admin("POST", "/engine-versions", Some(again))
        .await
        .refused(409, "engine_version_exists");
    let body = json!({"image_ref": "example.org/engine:1.0.1-b2"});
    let changed = lobby
        .admin("PATCH", "/engine-versions/1.0.1", Some(body))
        .await
        .expect(200);
    assert_eq!(changed["image_ref"], "example.org/engine:1.0.1-b2");
    let disabled = post(&lobby, "/engine-versions/1.0.1/disable")
        .await
        .expect(200);
    assert_eq!(disabled["enabled"], false);
    post(&lobby, "/engine-versions/9.9.9/disable")
        .await
        .refused(404, "not_found");
    let first = lobby
        .admin("GET", "/engine-versions?limit=1", None)
        .await
        .expect(200);
    let cursor = text(&first, "next_cursor");
    let second = lobby
        .admin(
            "GET",
            &format!("/engine-versions?limit=1&cursor={cursor}"),
            None,
        )
        .await
        .expect(200);
    assert!(second["next_cursor"].is_null());
    assert_ne!(first["items"], second["items"]);
    assert_eq!(
        audited(&lobby).await,
        [
            "engine_versions.create",
            "engine_versions.update",
            "engine_versions.disable"
        ]
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn operations_of_operators_need_credentials(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    for path in [
        "/games",
        "/runtimes",
        "/nodes",
        "/operations?status=failed",
        "/engines",
        "/engine-versions",
        "/mail/deliveries",
        "/mail/dead-letters",
        "/notifications",
        "/notifications/dead-letters",
        "/notifications/malformed",
    ] {
        lobby.admin("GET", path, None).await.expect(200);
        let answer = lobby
            .anonymous("GET", &format!("/api/v1/admin{path}"))
            .await;
        assert_eq!(answer.status, 401, "{path}");
    }
}
