//! Turns that are answered before they are there.

use std::{fs, time::Duration};

use axum::http::StatusCode;
use galaxy_engine::http::Settings;
use serde_json::{Value, json};

use crate::world::{Api, init_body};

const TURN: &str = "/api/v1/admin/turn";
const STATUS: &str = "/api/v1/admin/status";

async fn slow(delay: Duration) -> Api {
    let api = Api::with(Settings {
        turn_delay: Some(delay),
        ..Settings::default()
    });
    api.post("/api/v1/admin/init", &init_body()).await;
    api
}

/// The first status that is no longer `generating`.
async fn settled(api: &Api) -> Value {
    let wait = async {
        loop {
            let (_, status) = api.get(STATUS).await;
            if status.get("generating").is_none() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_long_turn_is_promised_and_comes() {
    let api = slow(Duration::from_millis(50)).await;
    for _ in 0..2 {
        let (status, promise) = api.put(TURN, &json!({"expected_turn": 1})).await;
        assert_eq!(status, StatusCode::ACCEPTED);
        assert_eq!(
            (&promise["turn"], &promise["generating"]),
            (&json!(0), &json!(true))
        );
    }
    let there = settled(&api).await;
    assert_eq!(there["turn"], 1);
    let again = api.put(TURN, &json!({"expected_turn": 1})).await;
    assert_eq!(again, (StatusCode::OK, there));
    let ahead = api.put(TURN, &json!({"expected_turn": 9})).await;
    assert_eq!(ahead.1["error"]["code"], "turn_ahead");
}

#[tokio::test]
async fn commands_and_orders_are_taken_for_the_turn_that_comes() {
    let api = slow(Duration::from_mins(1)).await;
    let (_, promise) = api.put(TURN, &json!({"expected_turn": 1})).await;
    let player = &promise["players"][0]["player_id"];
    let order = api
        .put("/api/v1/order", &json!({"player_id": player, "orders": []}))
        .await;
    assert_eq!((order.0, &order.1["turn"]), (StatusCode::OK, &json!(1)));
    assert_eq!(api.get(STATUS).await.1["generating"], true);
}

#[tokio::test]
async fn a_long_turn_that_fails_says_so_until_it_is_asked_for_again() {
    let api = slow(Duration::ZERO).await;
    // A directory in the way of the temporary file stops any user, root too.
    let obstacle = api.dir().join("game.tmp");
    fs::create_dir(&obstacle).unwrap();
    api.put(TURN, &json!({"expected_turn": 1})).await;
    let failed = settled(&api).await;
    assert_eq!(failed["turn"], 0);
    assert!(!failed["failed"]["message"].as_str().unwrap().is_empty());
    fs::remove_dir(&obstacle).unwrap();
    let (status, promise) = api.put(TURN, &json!({"expected_turn": 1})).await;
    assert_eq!(
        (status, promise.get("failed")),
        (StatusCode::ACCEPTED, None)
    );
    assert_eq!(settled(&api).await["turn"], 1);
}
