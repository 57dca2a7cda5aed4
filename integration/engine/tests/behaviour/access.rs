//! Who may call the engine, and for which game.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use galaxy_engine::http::{Settings, routes};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Api, GAME, init_body, with_body};

const TOKEN: &str = "0123456789abcdef";
const INIT: &str = "/api/v1/admin/init";
const STATUS: &str = "/api/v1/admin/status";

fn guarded() -> Api {
    Api::with(Settings {
        token: Some(TOKEN.to_owned()),
        game_id: Some(GAME.parse().unwrap()),
        epoch: Some(3),
        turn_delay: None,
    })
}

/// The request with these headers.
fn signed(mut request: Request<Body>, token: Option<&str>, game: Option<&str>) -> Request<Body> {
    let headers = request.headers_mut();
    if let Some(token) = token {
        headers.insert("authorization", token.parse().unwrap());
    }
    if let Some(game) = game {
        headers.insert("x-galaxy-game-id", game.parse().unwrap());
    }
    request
}

fn answered(answer: &(StatusCode, Value)) -> (u16, &str) {
    (
        answer.0.as_u16(),
        answer.1["error"]["code"].as_str().unwrap_or(""),
    )
}

#[tokio::test]
async fn a_call_without_the_token_is_refused_on_every_path_and_changes_nothing() {
    let api = guarded();
    let right = format!("Bearer {TOKEN}");
    let init = with_body(Method::POST, INIT, init_body().to_string());
    let set_up = api.send(signed(init, Some(&right), Some(GAME))).await;
    assert_eq!(set_up.0, StatusCode::OK, "{}", set_up.1);
    let tokens = [
        None,
        Some(""),
        Some("Bearer "),
        Some("Bearer 0123456789abcdee"),
        Some("Bearer 0123456789abcdef0"),
        Some("Basic 0123456789abcdef"),
        Some(TOKEN),
    ];
    for (method, path, _) in routes().into_iter().skip(1) {
        for token in tokens {
            let body = json!({"expected_turn": 1, "race_name": "Terrans"});
            let request = with_body(
                method.to_uppercase().parse().unwrap(),
                path,
                body.to_string(),
            );
            let answer = api.send(signed(request, token, Some(GAME))).await;
            assert_eq!(answered(&answer), (401, "unauthenticated"), "{path}");
        }
    }
    let nowhere = Request::get("/nowhere").body(Body::empty()).unwrap();
    assert_eq!(answered(&api.send(nowhere).await), (401, "unauthenticated"));
    assert_eq!(api.get("/healthz").await.0, StatusCode::OK);
    let status = Request::get(STATUS).body(Body::empty()).unwrap();
    let status = api.send(signed(status, Some(&right), Some(GAME))).await;
    assert_eq!(status, set_up);
}

#[tokio::test]
async fn a_call_for_another_game_is_misdirected_and_changes_nothing() {
    let api = guarded();
    let right = format!("Bearer {TOKEN}");
    let other = Uuid::nil().to_string();
    let init = || with_body(Method::POST, INIT, init_body().to_string());
    let answer = api.send(signed(init(), Some(&right), Some(&other))).await;
    assert_eq!(answered(&answer), (421, "wrong_game"));
    for (game, expected) in [
        (None, (400, "bad_request")),
        (Some("me"), (400, "bad_request")),
        (Some(&other[..]), (421, "wrong_game")),
        (Some(GAME), (409, "no_game")),
    ] {
        let status = Request::get(STATUS).body(Body::empty()).unwrap();
        let answer = api.send(signed(status, Some(&right), game)).await;
        assert_eq!(answered(&answer), expected, "{game:?}");
    }
}

#[tokio::test]
async fn the_body_of_init_must_be_of_the_engines_game() {
    let api = guarded();
    let right = format!("Bearer {TOKEN}");
    let mut body = init_body();
    body["game_id"] = json!(Uuid::nil());
    let init = with_body(Method::POST, INIT, body.to_string());
    let answer = api.send(signed(init, Some(&right), Some(GAME))).await;
    assert_eq!(answered(&answer), (409, "other_game"));
}

#[tokio::test]
async fn without_settings_the_game_that_was_set_up_decides() {
    let (api, _) = Api::with_game().await;
    for (game, expected) in [
        (None, (200, "")),
        (Some(GAME.to_owned()), (200, "")),
        (Some(Uuid::nil().to_string()), (421, "wrong_game")),
    ] {
        let status = Request::get(STATUS).body(Body::empty()).unwrap();
        let answer = api.send(signed(status, None, game.as_deref())).await;
        assert_eq!(answered(&answer), expected, "{game:?}");
    }
}

#[tokio::test]
async fn the_status_tells_the_epoch_and_no_capabilities() {
    let (api, _) = Api::with_game().await;
    let (_, plain) = api.get(STATUS).await;
    assert_eq!(plain["capabilities"], json!([]));
    assert!(plain.get("epoch").is_none());
    let api = guarded();
    let init = with_body(Method::POST, INIT, init_body().to_string());
    let token = format!("Bearer {TOKEN}");
    let (_, status) = api.send(signed(init, Some(&token), Some(GAME))).await;
    assert_eq!(status["epoch"], 3);
}
