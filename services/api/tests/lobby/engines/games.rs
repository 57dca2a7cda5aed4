//! What games make of their engine: its versions, player limits and options.

use galaxy_core::GameId;
use serde_json::json;
use sqlx::PgPool;

use super::{change, create, patch_version, schema, with_chess, wrong};
use crate::support::{Lobby, text};

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
