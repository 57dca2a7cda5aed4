//! The contract's promises, over its router.

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Api, init_body};

const INIT: &str = "/api/v1/admin/init";
const STATUS: &str = "/api/v1/admin/status";
const TURN: &str = "/api/v1/admin/turn";
const BANISH: &str = "/api/v1/admin/race/banish";
const COMMAND: &str = "/api/v1/command";
const ORDER: &str = "/api/v1/order";

async fn report(api: &Api, player: Uuid, turn: u32) -> (StatusCode, Value) {
    api.get(&format!("/api/v1/report?player_id={player}&turn={turn}"))
        .await
}

async fn home(api: &Api, player: Uuid) -> Value {
    let (_, view) = report(api, player, 0).await;
    let planets = view["planets"].as_array().unwrap();
    planets
        .iter()
        .find(|planet| planet["visibility"] == "own")
        .unwrap()["planet"]
        .clone()
}

#[tokio::test]
async fn an_engine_without_a_game_is_healthy_and_says_what_it_lacks() {
    let api = Api::new();
    assert_eq!(
        api.get("/healthz").await,
        (StatusCode::OK, json!({"status": "ok"}))
    );
    let id = Uuid::nil();
    for (status, body) in [
        api.get(STATUS).await,
        api.put(TURN, &json!({"expected_turn": 1})).await,
        api.post(BANISH, &json!({"race_name": "Zorgons"})).await,
        api.put(COMMAND, &json!({"player_id": id, "commands": []}))
            .await,
        api.put(ORDER, &json!({"player_id": id, "orders": []}))
            .await,
        report(&api, id, 0).await,
    ] {
        assert_eq!(
            (status, &body["error"]["code"]),
            (StatusCode::CONFLICT, &"no_game".into())
        );
    }
}

#[tokio::test]
async fn the_same_game_can_be_set_up_again_and_another_cannot() {
    let (api, _) = Api::with_game().await;
    let (_, before) = api.get(STATUS).await;
    assert_eq!(
        (&before["turn"], &before["stage"]),
        (&json!(0), &json!("created"))
    );
    assert_eq!(
        api.post(INIT, &init_body()).await,
        (StatusCode::OK, before.clone())
    );

    let mut other = init_body();
    other["game_id"] = json!(Uuid::nil());
    let (status, body) = api.post(INIT, &other).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (StatusCode::CONFLICT, &"other_game".into())
    );
    let mut other = init_body();
    other["races"][0]["race_name"] = json!("Klingons");
    let (status, body) = api.post(INIT, &other).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (StatusCode::CONFLICT, &"other_roster".into())
    );
    assert_eq!(api.get(STATUS).await.1, before);
}

#[tokio::test]
async fn a_turn_is_generated_once_for_each_number() {
    let (api, _) = Api::with_game().await;
    let first = api.put(TURN, &json!({"expected_turn": 1})).await;
    assert_eq!(
        (first.0, &first.1["turn"], &first.1["stage"]),
        (StatusCode::OK, &json!(1), &json!("running"))
    );
    assert_eq!(api.put(TURN, &json!({"expected_turn": 1})).await, first);
    assert_eq!(api.put(TURN, &json!({"expected_turn": 0})).await, first);
    let (status, body) = api.put(TURN, &json!({"expected_turn": 3})).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (StatusCode::CONFLICT, &"turn_ahead".into())
    );
    assert_eq!(api.get(STATUS).await, first);
}

#[tokio::test]
async fn of_many_callers_at_once_one_generates_the_turn() {
    let (api, _) = Api::with_game().await;
    let body = json!({"expected_turn": 1});
    let (a, b, c) = tokio::join!(
        api.put(TURN, &body),
        api.put(TURN, &body),
        api.put(TURN, &body)
    );
    assert_eq!((&a, &b), (&b, &c));
    assert_eq!(a.1["turn"], 1);
}

#[tokio::test]
async fn a_banished_race_is_out_and_the_call_can_be_repeated() {
    let (api, players) = Api::with_game().await;
    for _ in 0..2 {
        let answer = api.post(BANISH, &json!({"race_name": "Zorgons"})).await;
        assert_eq!(answer, (StatusCode::NO_CONTENT, Value::Null));
    }
    let (_, status) = api.get(STATUS).await;
    assert_eq!(
        (
            &status["players"][1]["active"],
            &status["players"][1]["planets"]
        ),
        (&json!(false), &json!(0))
    );
    assert_eq!(status["players"][1]["max_planets"], 1);
    for (path, list) in [(COMMAND, "commands"), (ORDER, "orders")] {
        let (status, body) = api
            .put(path, &json!({"player_id": players[1], list: []}))
            .await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (StatusCode::CONFLICT, &"race_inactive".into())
        );
    }
    assert_eq!(report(&api, players[1], 0).await.0, StatusCode::OK);
}

#[tokio::test]
async fn commands_act_at_once_and_each_has_its_result() {
    let (api, players) = Api::with_game().await;
    let planet = home(&api, players[0]).await;
    let commands = json!([
        {"type": "set_production", "planet": planet, "production": "defence"},
        {"type": "set_production", "planet": 999, "production": "ships"},
        {"type": "nickname_planet", "planet": planet, "nickname": "Fortress"},
    ]);
    let (status, body) = api
        .put(
            COMMAND,
            &json!({"player_id": players[0], "commands": commands}),
        )
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&body["turn"], &body["results"][0]),
        (&json!(0), &json!({"ok": true}))
    );
    assert_eq!(body["results"][1]["error"]["code"], "unknown_planet");
    assert_eq!(body["results"][2]["ok"], true);
    let (_, view) = report(&api, players[0], 0).await;
    let planets = view["planets"].as_array().unwrap();
    let home = planets
        .iter()
        .find(|view| view["planet"] == planet)
        .unwrap();
    assert_eq!(
        (&home["production"], &home["nickname"]),
        (&json!("defence"), &json!("Fortress"))
    );
}

#[tokio::test]
async fn orders_wait_for_the_turn() {
    let (api, players) = Api::with_game().await;
    let from = home(&api, players[0]).await;
    let to = home(&api, players[1]).await;
    let orders = json!([
        {"type": "send_ships", "from": from, "to": to, "ships": 4},
        {"type": "send_ships", "from": from, "to": to, "ships": 400},
    ]);
    let (status, body) = api
        .put(ORDER, &json!({"player_id": players[0], "orders": orders}))
        .await;
    assert_eq!((status, &body["turn"]), (StatusCode::OK, &json!(1)));
    assert_eq!(body["results"][0], json!({"ok": true}));
    assert_eq!(body["results"][1]["error"]["code"], "not_enough_ships");

    let (_, before) = report(&api, players[0], 0).await;
    assert_eq!(before["fleets"], json!([]));
    assert_eq!(before["orders"], json!([orders[0]]));
    api.put(TURN, &json!({"expected_turn": 1})).await;
    let (_, after) = report(&api, players[0], 1).await;
    assert_eq!(
        (&after["orders"], &after["fleets"][0]["ships"]),
        (&json!([]), &json!(4))
    );
}

#[tokio::test]
async fn past_reports_stay_as_their_turn_was_left() {
    let (api, players) = Api::with_game().await;
    let mut left = Vec::new();
    for turn in 0..3 {
        left.push(report(&api, players[2], turn).await);
        api.put(TURN, &json!({"expected_turn": turn + 1})).await;
    }
    for (turn, report_then) in (0..).zip(left) {
        assert_eq!(report(&api, players[2], turn).await, report_then);
    }
    let (status, body) = report(&api, players[2], 4).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (StatusCode::NOT_FOUND, &"unknown_turn".into())
    );
}

#[tokio::test]
async fn a_finished_game_says_so_and_takes_nothing_more() {
    let (api, players) = Api::with_game().await;
    api.post(BANISH, &json!({"race_name": "Zorgons"})).await;
    api.post(BANISH, &json!({"race_name": "Mirani"})).await;
    let end = api.put(TURN, &json!({"expected_turn": 1})).await;
    assert_eq!(end.1["stage"], "finished");
    assert_eq!(api.put(TURN, &json!({"expected_turn": 2})).await, end);
    let (status, body) = api
        .put(ORDER, &json!({"player_id": players[0], "orders": []}))
        .await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (StatusCode::CONFLICT, &"game_finished".into())
    );
    assert_eq!(report(&api, players[0], 1).await.1["winner"], "Terrans");
}
