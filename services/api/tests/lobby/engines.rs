//! The registry of engines: several kinds of games, who can play them, and what can be chosen of them.

use galaxy_core::{GameId, UserId};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Answer, Lobby, text};

/// The options of the chess engine: a board of 5 to 9, which must be said.
fn schema() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["board"],
        "properties": { "board": { "type": "integer", "minimum": 5, "maximum": 9 } }
    })
}

/// A second engine, `chess`, for two to four players, with a version of the number that the first engine has too.
async fn with_chess(lobby: &Lobby) {
    let engine = json!({ "engine_name": "chess", "title": "Star chess" });
    let made = lobby.admin("POST", "/engines", Some(engine)).await;
    assert_eq!(made.expect(201)["is_default"], false);
    let version = json!({
        "engine_name": "chess", "version": "1.0.0", "image_ref": "example.org/chess:1", "min_players": 2,
        "max_players": 4, "options_schema": schema()
    });
    let made = lobby.admin("POST", "/engine-versions", Some(version)).await;
    assert_eq!(made.expect(201)["id"], "chess@1.0.0");
}

async fn patch_version(lobby: &Lobby, id: &str, body: Value) -> Answer {
    let path = format!("/engine-versions/{id}");
    lobby.admin("PATCH", &path, Some(body)).await
}

async fn create(lobby: &Lobby, owner: UserId, change: Value) -> Answer {
    let mut request = lobby.game_request();
    for (field, value) in change.as_object().unwrap() {
        request[field] = value.clone();
    }
    lobby.post(owner, "/lobby/games", request).await
}

async fn change(lobby: &Lobby, owner: UserId, game: GameId, body: Value) -> Answer {
    let path = format!("/lobby/games/{game}");
    lobby.call(owner, "PATCH", &path, Some(body)).await
}

/// The first wrong field with its reason.
#[track_caller]
fn wrong(answer: Answer) -> (String, String) {
    let body = answer.expect(400);
    assert_eq!(body["error"]["code"], "invalid_request");
    let detail = &body["error"]["details"][0];
    (text(detail, "field"), text(detail, "reason"))
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn engines_are_made_known_and_one_of_them_is_the_default_one(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    with_chess(&lobby).await;
    for (body, field) in [
        (
            json!({ "engine_name": "Go!", "title": "Go" }),
            "engine_name",
        ),
        (json!({ "engine_name": "go", "title": " " }), "title"),
    ] {
        let answer = lobby.admin("POST", "/engines", Some(body)).await;
        assert_eq!(wrong(answer).0, field);
    }
    let again = json!({ "engine_name": "chess", "title": "Chess" });
    let again = lobby.admin("POST", "/engines", Some(again)).await;
    again.refused(409, "engine_exists");
    let defaults = async || {
        let list = lobby.admin("GET", "/engines", None).await.expect(200);
        let items = list["items"].as_array().unwrap().clone();
        let default = items.iter().filter(|engine| engine["is_default"] == true);
        default
            .map(|engine| text(engine, "engine_name"))
            .collect::<Vec<_>>()
    };
    assert_eq!(defaults().await, ["galaxy"]);
    let patch = async |name: &str, body| {
        lobby
            .admin("PATCH", &format!("/engines/{name}"), Some(body))
            .await
    };
    let changed = patch("chess", json!({ "title": "Chess", "is_default": true })).await;
    assert_eq!(changed.expect(200)["title"], "Chess");
    assert_eq!(defaults().await, ["chess"]);
    let refused = patch("chess", json!({ "is_default": false })).await;
    assert_eq!(wrong(refused).0, "is_default");
    patch("go", json!({ "title": "Go" }))
        .await
        .refused(404, "not_found");

    // An id without an engine is of the default one.
    let disabled = lobby
        .admin("POST", "/engine-versions/1.0.0/disable", None)
        .await;
    assert_eq!(disabled.expect(200)["id"], "chess@1.0.0");
    let audited: Vec<(String, String)> = sqlx::query_as(
        "select action, target_id from backend.admin_audit_log order by created_at, audit_id",
    )
    .fetch_all(lobby.world.db.pool())
    .await
    .unwrap();
    let audited: Vec<_> = audited
        .iter()
        .map(|(action, id)| (action.as_str(), id.as_str()))
        .collect();
    assert_eq!(
        audited,
        [
            ("engines.create", "chess"),
            ("engine_versions.create", "chess@1.0.0"),
            ("engines.update", "chess"),
            ("engine_versions.disable", "chess@1.0.0")
        ]
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn of_two_that_become_the_default_engine_at_once_one_is(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let names = ["a", "b", "c", "d"];
    for name in names {
        let body = json!({ "engine_name": name, "title": name });
        lobby
            .admin("POST", "/engines", Some(body))
            .await
            .expect(201);
    }
    let racers = names.map(|name| {
        let body = json!({ "is_default": true });
        let lobby = &lobby;
        async move {
            lobby
                .admin("PATCH", &format!("/engines/{name}"), Some(body))
                .await
        }
    });
    for answer in lobby.race(racers).await {
        answer.expect(200);
    }
    let sql = "select count(*) from backend.engines where is_default";
    assert_eq!(lobby.world.count(sql).await, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_game_is_of_the_engine_that_it_names_and_can_change_it_as_a_draft(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    with_chess(&lobby).await;
    let owner = lobby.rich_player().await;
    let galaxy = create(&lobby, owner, json!({})).await.expect(201);
    assert_eq!(
        (
            &galaxy["engine_name"],
            &galaxy["target_engine_version"],
            &galaxy["options"]
        ),
        (&json!("galaxy"), &json!("1.0.0"), &json!({}))
    );
    let chess = json!({ "engine_name": "chess", "options": { "board": 7 } });
    let chess = create(&lobby, owner, chess).await.expect(201);
    assert_eq!(
        (
            &chess["engine_name"],
            &chess["target_engine_version"],
            &chess["options"]
        ),
        (&json!("chess"), &json!("1.0.0"), &json!({ "board": 7 }))
    );
    let nowhere = create(&lobby, owner, json!({ "engine_name": "go" })).await;
    assert_eq!(wrong(nowhere).0, "engine_name");

    let game: GameId = text(&galaxy, "game_id").parse().unwrap();
    let to_chess = json!({ "engine_name": "chess" });
    let refused = change(&lobby, owner, game, to_chess.clone()).await;
    assert_eq!(wrong(refused).0, "options", "the board must be said");
    let mut to_chess = to_chess;
    to_chess["options"] = json!({ "board": 5 });
    let changed = change(&lobby, owner, game, to_chess).await.expect(200);
    assert_eq!(changed["engine_name"], "chess");
    let path = format!("/lobby/games/{game}");
    assert_eq!(lobby.get(owner, &path).await.expect(200), changed);
    lobby
        .act(owner, &format!("{path}/open-enrollment"))
        .await
        .expect(200);
    let back = change(&lobby, owner, game, json!({ "engine_name": "galaxy" })).await;
    back.refused(409, "not_editable");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_candidate_is_played_by_those_who_name_it_and_never_by_default(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    let next =
        json!({ "version": "2.0.0", "image_ref": "example.org/engine:2", "is_candidate": true });
    lobby
        .admin("POST", "/engine-versions", Some(next))
        .await
        .expect(201);
    let plain = create(&lobby, owner, json!({})).await.expect(201);
    assert_eq!(plain["target_engine_version"], "1.0.0");
    let named = json!({ "target_engine_version": "2.0.0" });
    let named = create(&lobby, owner, named).await.expect(201);
    assert_eq!(named["target_engine_version"], "2.0.0");
    patch_version(&lobby, "2.0.0", json!({ "is_candidate": false }))
        .await
        .expect(200);
    let plain = create(&lobby, owner, json!({})).await.expect(201);
    assert_eq!(plain["target_engine_version"], "2.0.0");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_client_can_show_what_kinds_of_games_there_are(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let player = lobby.player().await;
    let body = json!({ "engine_name": "empty", "title": "Nothing yet" });
    lobby
        .admin("POST", "/engines", Some(body))
        .await
        .expect(201);
    with_chess(&lobby).await;
    let next = json!({
        "engine_name": "chess", "version": "2.0.0", "image_ref": "example.org/chess:2", "is_candidate": true
    });
    lobby
        .admin("POST", "/engine-versions", Some(next))
        .await
        .expect(201);
    let list = lobby.get(player, "/lobby/engines").await.expect(200);
    let items = list["items"].as_array().unwrap();
    let names: Vec<_> = items
        .iter()
        .map(|engine| text(engine, "engine_name"))
        .collect();
    assert_eq!(names, ["galaxy", "chess"]);
    assert_eq!(
        (&items[0]["is_default"], &items[0]["default_version"]),
        (&json!(true), &json!("1.0.0"))
    );
    assert_eq!(items[1]["default_version"], "1.0.0");
    let versions = items[1]["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 2);
    let first = versions
        .iter()
        .find(|version| version["version"] == "1.0.0")
        .unwrap();
    assert_eq!(
        (
            &first["min_players"],
            &first["max_players"],
            &first["options_schema"]
        ),
        (&json!(2), &json!(4), &schema())
    );
    patch_version(&lobby, "chess@1.0.0", json!({ "enabled": false }))
        .await
        .expect(200);
    patch_version(&lobby, "chess@2.0.0", json!({ "enabled": false }))
        .await
        .expect(200);
    let list = lobby.get(player, "/lobby/engines").await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_game_keeps_within_the_players_that_its_version_takes(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    patch_version(
        &lobby,
        "1.0.0",
        json!({ "min_players": 3, "max_players": 4 }),
    )
    .await
    .expect(200);
    let answer = create(&lobby, owner, json!({ "min_players": 2, "max_players": 6 }))
        .await
        .expect(400);
    let fields: Vec<_> = answer["error"]["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|wrong| text(wrong, "field"))
        .collect();
    assert_eq!(fields, ["min_players", "max_players"]);
    let game = lobby.draft(owner, json!({ "min_players": 3 })).await;
    let refused = change(&lobby, owner, game, json!({ "max_players": 5 })).await;
    assert_eq!(wrong(refused).0, "max_players");
    for (body, field) in [
        (json!({ "min_players": 0 }), "max_players"),
        (json!({ "max_players": 65 }), "max_players"),
        (json!({ "min_players": 5 }), "max_players"),
    ] {
        assert_eq!(wrong(patch_version(&lobby, "1.0.0", body).await).0, field);
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_roster_that_the_version_does_not_take_any_more_is_neither_made_ready_nor_started(
    pool: PgPool,
) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    let game = lobby.open_game(owner, json!({})).await;
    for race in ["Ones", "Twos"] {
        let player = lobby.player().await;
        lobby.join(owner, player, game, race).await;
    }
    let path = format!("/lobby/games/{game}");
    let limits = async |min: i32| {
        patch_version(&lobby, "1.0.0", json!({ "min_players": min }))
            .await
            .expect(200)
    };
    limits(3).await;
    lobby
        .act(owner, &format!("{path}/ready-to-start"))
        .await
        .refused(409, "player_limits");
    limits(2).await;
    lobby
        .act(owner, &format!("{path}/ready-to-start"))
        .await
        .expect(200);
    limits(3).await;
    lobby
        .act(owner, &format!("{path}/start"))
        .await
        .refused(409, "player_limits");
    let forced = lobby
        .admin("POST", &format!("/games/{game}/force-start"), None)
        .await;
    forced.refused(409, "player_limits");
    assert_eq!(lobby.status(game).await, "ready_to_start");
    limits(2).await;
    lobby.act(owner, &format!("{path}/start")).await.expect(202);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn options_are_what_the_version_takes_and_each_problem_has_its_place(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    with_chess(&lobby).await;
    let owner = lobby.rich_player().await;
    for (options, place) in [
        (json!({ "board": 12 }), "options/board"),
        (json!({ "board": 7, "colour": "red" }), "options"),
        (json!({}), "options"),
    ] {
        let request = json!({ "engine_name": "chess", "options": options });
        assert_eq!(wrong(create(&lobby, owner, request).await).0, place);
    }
    let (field, reason) = wrong(create(&lobby, owner, json!({ "options": { "board": 7 } })).await);
    assert_eq!(field, "options");
    assert!(reason.contains("no options"), "{reason}");
    let list = create(&lobby, owner, json!({ "options": [] })).await;
    assert_eq!(wrong(list).0, "options");

    let chess = json!({ "engine_name": "chess", "options": { "board": 7 } });
    let game = lobby.open_game(owner, chess).await;
    let refused = change(&lobby, owner, game, json!({ "options": { "board": 4 } })).await;
    assert_eq!(wrong(refused).0, "options/board");
    let changed = change(&lobby, owner, game, json!({ "options": { "board": 9 } })).await;
    assert_eq!(changed.expect(200)["options"], json!({ "board": 9 }));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn options_are_checked_again_at_the_start_and_can_still_be_set_right(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    with_chess(&lobby).await;
    let owner = lobby.rich_player().await;
    let chess = json!({ "engine_name": "chess", "options": { "board": 9 } });
    let game = lobby.open_game(owner, chess).await;
    for race in ["Ones", "Twos"] {
        let player = lobby.player().await;
        lobby.join(owner, player, game, race).await;
    }
    let path = format!("/lobby/games/{game}");
    lobby
        .act(owner, &format!("{path}/ready-to-start"))
        .await
        .expect(200);
    let mut smaller = schema();
    smaller["properties"]["board"]["maximum"] = json!(6);
    let smaller = json!({ "options_schema": smaller });
    patch_version(&lobby, "chess@1.0.0", smaller)
        .await
        .expect(200);
    let refused = lobby.act(owner, &format!("{path}/start")).await.expect(409);
    assert_eq!(refused["error"]["code"], "options_invalid");
    let message = text(&refused["error"], "message");
    assert!(
        message.contains("options/board") && message.contains("chess@1.0.0"),
        "{message}"
    );
    change(&lobby, owner, game, json!({ "options": { "board": 6 } }))
        .await
        .expect(200);
    lobby.act(owner, &format!("{path}/start")).await.expect(202);
    let runtime = lobby
        .admin("GET", &format!("/runtimes/{game}"), None)
        .await
        .expect(200);
    assert_eq!(
        (
            &runtime["engine_name"],
            &runtime["engine_version"],
            &runtime["options"]
        ),
        (&json!("chess"), &json!("1.0.0"), &json!({ "board": 6 }))
    );
    let late = change(&lobby, owner, game, json!({ "options": { "board": 5 } })).await;
    late.refused(409, "not_editable");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_schema_is_checked_when_it_is_registered_and_can_be_taken_away(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    for schema in [
        json!({ "type": "object", "properties": { "a": { "$ref": "https://example.org/a" } } }),
        json!({ "type": "object", "properties": 7 }),
        json!({ "type": "object", "title": "x".repeat(20_000) }),
        json!([]),
    ] {
        let refused = patch_version(&lobby, "1.0.0", json!({ "options_schema": schema })).await;
        assert_eq!(wrong(refused).0, "options_schema");
    }
    let with = patch_version(&lobby, "1.0.0", json!({ "options_schema": schema() })).await;
    assert_eq!(with.expect(200)["options_schema"], schema());
    let kept = patch_version(&lobby, "1.0.0", json!({ "enabled": true })).await;
    assert_eq!(kept.expect(200)["options_schema"], schema());
    let without = patch_version(&lobby, "1.0.0", json!({ "options_schema": null })).await;
    assert!(without.expect(200)["options_schema"].is_null());
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_image_is_looked_for_after_the_registration_and_again_when_it_is_asked_for(
    pool: PgPool,
) {
    let lobby = Lobby::new(pool).await;
    let body = json!({ "version": "1.2.0", "image_ref": "example.org/engine:1.2.0" });
    let made = lobby
        .admin("POST", "/engine-versions", Some(body))
        .await
        .expect(201);
    let check = &made["check"];
    assert_eq!(check["state"], "pending");
    for empty in ["error", "checked_at", "digest"] {
        assert!(check[empty].is_null(), "{empty}");
    }
    sqlx::query(
        "update backend.engine_versions set check_status = 'failed', check_error = 'manifest unknown', checked_at = now()
         where version = '1.2.0'",
    )
    .execute(lobby.world.db.pool())
    .await
    .unwrap();
    let list = lobby
        .admin("GET", "/engine-versions", None)
        .await
        .expect(200);
    let failed = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|version| version["version"] == "1.2.0")
        .unwrap();
    assert_eq!(
        (&failed["check"]["state"], &failed["check"]["error"]),
        (&json!("failed"), &json!("manifest unknown"))
    );
    // It can be played all the same: a start says why it fails.
    let owner = lobby.player().await;
    create(&lobby, owner, json!({ "target_engine_version": "1.2.0" }))
        .await
        .expect(201);
    let again = lobby
        .admin("POST", "/engine-versions/galaxy@1.2.0/check", None)
        .await
        .expect(202);
    assert_eq!(
        (&again["check"]["state"], &again["check"]["error"]),
        (&json!("pending"), &Value::Null)
    );
    let missing = lobby
        .admin("POST", "/engine-versions/9.9.9/check", None)
        .await;
    missing.refused(404, "not_found");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_image_that_is_named_anew_loses_its_digest_and_is_looked_for_again(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    sqlx::query(
        "update backend.engine_versions set image_digest = 'sha256:ab', check_status = 'ok'",
    )
    .execute(lobby.world.db.pool())
    .await
    .unwrap();
    let other = patch_version(&lobby, "1.0.0", json!({ "is_candidate": false }))
        .await
        .expect(200);
    assert_eq!(
        (&other["image_digest"], &other["check"]["digest"]),
        (&json!("sha256:ab"), &json!("sha256:ab"))
    );
    let same = json!({ "image_ref": "example.org/engine:1.0.0" });
    let same = patch_version(&lobby, "1.0.0", same).await.expect(200);
    assert_eq!(
        (&same["image_digest"], &same["check"]["state"]),
        (&Value::Null, &json!("pending"))
    );
}
