//! Drafts: made, changed, bounded by tier, limit and sanction.

use serde_json::json;
use sqlx::PgPool;

use crate::support::Lobby;

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_new_game_is_a_draft_with_everything_in_it(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = lobby
        .post(owner, "/lobby/games", lobby.game_request())
        .await
        .expect(201);
    assert_eq!(game["status"], "draft");
    assert_eq!(game["version"], 1);
    assert_eq!(game["owner_user_id"], owner.to_string());
    assert_eq!(game["approved_count"], 0);
    assert_eq!(game["time_zone"], "UTC");
    assert_eq!(game["target_engine_version"], "1.0.0");
    for absent in ["current_turn", "runtime_status", "next_turn_at"] {
        assert!(game[absent].is_null(), "{absent}");
    }
    let path = format!("/lobby/games/{}", game["game_id"].as_str().unwrap());
    assert_eq!(lobby.get(owner, &path).await.expect(200), game);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_new_game_with_wrong_fields_is_refused_with_each_of_them(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    for (field, value) in [
        ("game_name", json!("x")),
        ("game_name", json!("a\u{202e}bc")),
        ("description", json!("x".repeat(2_001))),
        ("visibility", json!("secret")),
        ("min_players", json!(1)),
        ("max_players", json!(65)),
        ("enrollment_ends_at", json!(lobby.now())),
        ("enrollment_ends_at", json!("tomorrow")),
        ("turn_schedule", json!("* * * * * *")),
        ("time_zone", json!("Mars/Olympus")),
        ("target_engine_version", json!("9.9.9")),
        ("owner_user_id", json!("me")),
    ] {
        let mut request = lobby.game_request();
        request[field] = value;
        let answer = lobby.post(owner, "/lobby/games", request).await.expect(400);
        assert_eq!(answer["error"]["details"][0]["field"], field, "{answer}");
    }
    assert_eq!(
        lobby
            .world
            .count("select count(*) from backend.games")
            .await,
        0
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_tier_bounds_unfinished_games_and_an_operator_can_set_another_bound(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = lobby.draft(owner, json!({})).await;
    let create = || lobby.post(owner, "/lobby/games", lobby.game_request());
    create().await.refused(409, "limit_reached");
    lobby
        .act(owner, &format!("/lobby/games/{game}/cancel"))
        .await
        .expect(200);
    create().await.expect(201);
    set_limit(&lobby, owner, "max_owned_games", 2).await;
    create().await.expect(201);
    create().await.refused(409, "limit_reached");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn concurrent_creations_do_not_exceed_the_limit_of_the_tier(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let racers = (0..8).map(|_| lobby.post(owner, "/lobby/games", lobby.game_request()));
    let answers = lobby.race(racers).await;
    let made = answers.iter().filter(|a| a.status == 201).count();
    assert_eq!(made, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn sanctions_keep_an_account_from_creating_and_managing(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    let game = lobby.draft(owner, json!({})).await;
    sanction(&lobby, owner, "game_create_block").await;
    sanction(&lobby, owner, "game_manage_block").await;
    lobby
        .post(owner, "/lobby/games", lobby.game_request())
        .await
        .refused(403, "game_create_blocked");
    for action in ["open-enrollment", "cancel"] {
        lobby
            .act(owner, &format!("/lobby/games/{game}/{action}"))
            .await
            .refused(403, "game_manage_blocked");
    }
    lobby
        .call(
            owner,
            "PATCH",
            &format!("/lobby/games/{game}"),
            Some(json!({"description": "x"})),
        )
        .await
        .refused(403, "game_manage_blocked");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_draft_changes_in_all_fields_and_each_change_raises_its_version(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = lobby.draft(owner, json!({})).await;
    let path = format!("/lobby/games/{game}");
    let change = json!({
        "game_name": "Perseus", "description": "slow", "visibility": "private", "min_players": 3,
        "max_players": 5, "enrollment_ends_at": lobby.later(1), "turn_schedule": "*/5 * * * *",
        "time_zone": "europe/berlin", "target_engine_version": "1.0.0"
    });
    let changed = lobby
        .call(owner, "PATCH", &path, Some(change.clone()))
        .await
        .expect(200);
    assert_eq!(changed["version"], 2);
    assert_eq!(changed["time_zone"], "Europe/Berlin");
    for field in ["game_name", "visibility", "min_players", "max_players"] {
        assert_eq!(changed[field], change[field], "{field}");
    }
    lobby
        .call(owner, "PATCH", &path, Some(json!({"max_players": 2})))
        .await
        .refused(400, "invalid_request");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_enrolling_game_changes_only_in_description_and_a_later_end(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    let change = async |body| {
        lobby
            .call(owner, "PATCH", &format!("/lobby/games/{game}"), Some(body))
            .await
    };
    change(json!({"description": "new"})).await.expect(200);
    change(json!({"enrollment_ends_at": lobby.later(48)}))
        .await
        .expect(200);
    change(json!({"enrollment_ends_at": lobby.later(1)}))
        .await
        .refused(400, "invalid_request");
    change(json!({"max_players": 9}))
        .await
        .refused(409, "not_editable");
}

pub async fn set_limit(lobby: &Lobby, user: galaxy_core::UserId, code: &str, value: i32) {
    sqlx::query(
        "with record as (
             insert into backend.limit_records (record_id, user_id, limit_code, action, value, reason, actor)
             values (gen_random_uuid(), $1, $2, 'set', $3, 'test', 'test') returning record_id)
         insert into backend.limit_active (user_id, limit_code, value, record_id) select $1, $2, $3, record_id from record",
    )
    .bind(user.uuid())
    .bind(code)
    .bind(value)
    .execute(lobby.world.db.pool())
    .await
    .unwrap();
}

pub async fn sanction(lobby: &Lobby, user: galaxy_core::UserId, code: &str) {
    sqlx::query(
        "with record as (
             insert into backend.sanction_records (record_id, user_id, sanction_code, action, reason, actor)
             values (gen_random_uuid(), $1, $2, 'apply', 'test', 'test') returning record_id)
         insert into backend.sanction_active (user_id, sanction_code, record_id) select $1, $2, record_id from record",
    )
    .bind(user.uuid())
    .bind(code)
    .execute(lobby.world.db.pool())
    .await
    .unwrap();
}
