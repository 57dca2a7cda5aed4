//! Bad input: every failure has the same shape, and changes nothing.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use galaxy_engine::http::{BODY_LIMIT, routes};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Api, GAME, with_body};

fn refused(answer: &(StatusCode, Value), status: StatusCode, code: &str) {
    let (got, body) = answer;
    assert_eq!(
        (*got, &body["error"]["code"]),
        (status, &code.into()),
        "{body}"
    );
    let message = body["error"]["message"].as_str().unwrap();
    assert!(!message.is_empty() && message.chars().count() <= 300);
    assert_eq!(body.as_object().unwrap().len(), 1);
    assert_eq!(body["error"].as_object().unwrap().len(), 2);
}

fn bodied() -> impl Iterator<Item = (Method, &'static str)> {
    routes()
        .into_iter()
        .filter(|(method, ..)| *method != "get")
        .map(|(method, path, _)| (method.to_uppercase().parse().unwrap(), path))
}

#[tokio::test]
async fn malformed_bodies_are_refused_by_every_route() {
    let (api, _) = Api::with_game().await;
    let before = api.engine.status().unwrap();
    let deep = "[".repeat(100_000);
    for (method, path) in bodied() {
        for body in [
            "",
            "{",
            "null",
            "[]",
            "{}",
            "\"text\"",
            "{\"a\":1} trailing",
            "\u{0}",
            &deep,
        ] {
            let answer = api
                .send(with_body(method.clone(), path, body.to_owned()))
                .await;
            refused(&answer, StatusCode::BAD_REQUEST, "bad_request");
        }
        let invalid = with_body(method, path, vec![0xFF, 0xFE]);
        refused(
            &api.send(invalid).await,
            StatusCode::BAD_REQUEST,
            "bad_request",
        );
    }
    assert_eq!(api.engine.status().unwrap(), before);
}

#[tokio::test]
async fn fields_that_are_unknown_wrong_or_missing_are_refused() {
    let (api, players) = Api::with_game().await;
    let id = players[0];
    let long = "x".repeat(100_000);
    let send = |order: Value| {
        (
            "put",
            "/api/v1/order",
            json!({"player_id": id, "orders": [order]}),
        )
    };
    for (method, path, body) in [
        (
            "post",
            "/api/v1/admin/init",
            json!({"game_id": GAME, "seed": 7, "races": [{"race_name": "A"}], "x": 1}),
        ),
        (
            "post",
            "/api/v1/admin/init",
            json!({"game_id": GAME, "seed": 7, "races": [{"race_name": "A", "x": 1}]}),
        ),
        (
            "post",
            "/api/v1/admin/init",
            json!({"game_id": "no uuid", "seed": 7, "races": [{"race_name": "A"}]}),
        ),
        (
            "post",
            "/api/v1/admin/init",
            json!({"game_id": GAME, "seed": -1, "races": [{"race_name": "A"}]}),
        ),
        (
            "post",
            "/api/v1/admin/init",
            json!({"game_id": GAME, "races": [{"race_name": "A"}]}),
        ),
        (
            "put",
            "/api/v1/admin/turn",
            json!({"expected_turn": 1, "x": 1}),
        ),
        ("put", "/api/v1/admin/turn", json!({"expected_turn": -1})),
        ("put", "/api/v1/admin/turn", json!({"expected_turn": 1.5})),
        ("put", "/api/v1/admin/turn", json!({"expected_turn": "1"})),
        (
            "put",
            "/api/v1/admin/turn",
            json!({"expected_turn": 4_294_967_296_u64}),
        ),
        (
            "post",
            "/api/v1/admin/race/banish",
            json!({"race_name": "Terrans", "x": 1}),
        ),
        ("post", "/api/v1/admin/race/banish", json!({"race_name": 5})),
        (
            "put",
            "/api/v1/command",
            json!({"player_id": id, "commands": [], "x": 1}),
        ),
        (
            "put",
            "/api/v1/command",
            json!({"player_id": id, "commands": [{"type": "win"}]}),
        ),
        (
            "put",
            "/api/v1/command",
            json!({"player_id": id, "commands": [{"type": long}]}),
        ),
        (
            "put",
            "/api/v1/command",
            json!({"player_id": id, "commands": [{"planet": 1}]}),
        ),
        send(json!({"type": "send_ships", "from": 0, "to": 1, "ships": -5})),
        send(json!({"type": "send_ships", "from": 0, "to": 1, "ships": 5, "speed": 99})),
        send(json!({"type": "send_ships", "from": 0, "to": 1})),
        send(json!({"type": "nickname_planet", "planet": 0, "nickname": "no order"})),
        send(json!({"type": "set_production", "planet": 0, "production": "gold"})),
    ] {
        let request = with_body(
            method.to_uppercase().parse().unwrap(),
            path,
            body.to_string(),
        );
        refused(
            &api.send(request).await,
            StatusCode::BAD_REQUEST,
            "bad_request",
        );
    }
}

#[tokio::test]
async fn reports_need_a_sound_query() {
    let (api, players) = Api::with_game().await;
    let id = players[0];
    for query in [
        String::new(),
        format!("?player_id={id}"),
        "?turn=0".to_owned(),
        "?player_id=me&turn=0".to_owned(),
        format!("?player_id={id}&turn=-1"),
        format!("?player_id={id}&turn=0&all=true"),
        format!("?player_id={id}&player_id={id}&turn=0"),
        format!("?player_id={id}&turn=%2e%2e%2fgame"),
    ] {
        let answer = api.get(&format!("/api/v1/report{query}")).await;
        refused(&answer, StatusCode::BAD_REQUEST, "bad_request");
    }
}

#[tokio::test]
async fn rosters_that_make_no_game_are_refused() {
    let api = Api::new();
    let many: Vec<Value> = (0..257)
        .map(|n| json!({"race_name": format!("R{n}")}))
        .collect();
    for races in [
        json!([]),
        json!(many),
        json!([{"race_name": ""}]),
        json!([{"race_name": "A"}, {"race_name": "A"}]),
    ] {
        let body = json!({"game_id": GAME, "seed": 1, "races": races});
        let answer = api.post("/api/v1/admin/init", &body).await;
        refused(&answer, StatusCode::BAD_REQUEST, "bad_roster");
    }
}

#[tokio::test]
async fn unknown_players_are_not_found() {
    let (api, _) = Api::with_game().await;
    let id = Uuid::nil();
    let answer = api
        .put("/api/v1/command", &json!({"player_id": id, "commands": []}))
        .await;
    refused(&answer, StatusCode::NOT_FOUND, "unknown_player");
    let answer = api
        .put("/api/v1/order", &json!({"player_id": id, "orders": []}))
        .await;
    refused(&answer, StatusCode::NOT_FOUND, "unknown_player");
    for turn in [0, 9] {
        let answer = api
            .get(&format!("/api/v1/report?player_id={id}&turn={turn}"))
            .await;
        refused(&answer, StatusCode::NOT_FOUND, "unknown_player");
    }
    let answer = api
        .post("/api/v1/admin/race/banish", &json!({"race_name": "Nobody"}))
        .await;
    refused(&answer, StatusCode::NOT_FOUND, "unknown_race");
}

#[tokio::test]
async fn paths_methods_and_media_types_outside_the_contract_are_refused() {
    let (api, _) = Api::with_game().await;
    for path in ["/", "/api/v1", "/api/v1/order/", "/api/v2/order"] {
        refused(&api.get(path).await, StatusCode::NOT_FOUND, "unknown_route");
    }
    for (method, path, _) in routes() {
        let wrong = if method == "get" {
            Method::PUT
        } else {
            Method::GET
        };
        let answer = api.send(with_body(wrong, path, "{}")).await;
        refused(
            &answer,
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
        );
    }
    for (method, path) in bodied() {
        let plain = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::from("{}"))
            .unwrap();
        refused(
            &api.send(plain).await,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
        );
    }
}

#[tokio::test]
async fn requests_above_the_limits_are_refused() {
    let (api, players) = Api::with_game().await;
    for (method, path) in bodied() {
        let answer = api
            .send(with_body(method, path, vec![b' '; BODY_LIMIT + 1]))
            .await;
        refused(&answer, StatusCode::PAYLOAD_TOO_LARGE, "body_too_large");
    }
    let order = json!({"type": "set_production", "planet": 0, "production": "ships"});
    let (full, over) = (vec![&order; 1000], vec![&order; 1001]);
    let answer = api
        .put(
            "/api/v1/order",
            &json!({"player_id": players[0], "orders": over}),
        )
        .await;
    refused(&answer, StatusCode::BAD_REQUEST, "too_many_actions");
    let answer = api
        .put(
            "/api/v1/order",
            &json!({"player_id": players[0], "orders": full}),
        )
        .await;
    assert_eq!(answer.0, StatusCode::OK);
}
