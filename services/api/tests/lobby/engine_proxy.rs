//! The way to the engines: for the caller's race only, and whatever the engine does.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use galaxy_core::{GameId, UserId};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::Lobby;

/// What the engine is to answer, and what it was asked.
#[derive(Clone)]
struct Engine {
    answer: Arc<Mutex<(u16, String)>>,
    media_type: Arc<Mutex<&'static str>>,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Engine {
    /// Listens on a free port; gives the endpoint too.
    async fn start(lobby: &Lobby) -> (Self, String) {
        let engine = Self {
            answer: Arc::new(Mutex::new((
                200,
                r#"{"turn":1,"results":[{"ok":true}]}"#.to_owned(),
            ))),
            media_type: Arc::new(Mutex::new("application/json")),
            asked: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(engine.clone());
        lobby.world.process.tasks.spawn("engine", async move {
            axum::serve(listener, router).await.unwrap();
        });
        (engine, endpoint)
    }

    fn answers(&self, status: u16, body: &str) {
        *self.answer.lock().unwrap() = (status, body.to_owned());
    }

    fn answers_as(&self, media_type: &'static str, body: &str) {
        *self.media_type.lock().unwrap() = media_type;
        self.answers(200, body);
    }

    fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(engine): State<Engine>, request: Request) -> Response {
    let line = format!("{} {}", request.method(), request.uri());
    let body = axum::body::to_bytes(request.into_body(), 1 << 22)
        .await
        .unwrap();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    engine.asked.lock().unwrap().push((line, body));
    let (status, body) = engine.answer.lock().unwrap().clone();
    if status == 0 {
        std::future::pending::<()>().await;
    }
    let status = StatusCode::from_u16(status).unwrap();
    let media_type = *engine.media_type.lock().unwrap();
    (status, [("content-type", media_type)], body).into_response()
}

/// A running game with its engine: the first member's seat and what it is called there.
struct Table {
    lobby: Lobby,
    engine: Engine,
    game: GameId,
    owner: UserId,
    player: UserId,
    player_id: Uuid,
}

impl Table {
    async fn new(pool: PgPool, variables: &'static [(&'static str, &'static str)]) -> Self {
        let lobby = Lobby::with(pool, variables).await;
        let owner = lobby.player().await;
        let (game, [player, _]) = lobby.running_game(owner, "Zorg").await;
        let (engine, endpoint) = Engine::start(&lobby).await;
        let player_id = Uuid::now_v7();
        sqlx::query(
            "with seat as (insert into backend.player_mappings (game_id, user_id, race_name, engine_player_uuid)
                           values ($1, $2, 'Zorg ones', $3))
             update backend.runtime_records set endpoint = $4 where game_id = $1",
        )
        .bind(game.uuid())
        .bind(player.uuid())
        .bind(player_id)
        .bind(endpoint)
        .execute(lobby.world.db.pool())
        .await
        .unwrap();
        Self {
            lobby,
            engine,
            game,
            owner,
            player,
            player_id,
        }
    }

    async fn orders(&self, body: Value) -> crate::support::Answer {
        let path = format!("/games/{}/orders", self.game);
        self.lobby.post(self.player, &path, body).await
    }

    /// What the engine says of `turn` to `player`.
    fn report(&self, player: Uuid, turn: u32) -> String {
        json!({"game_id": self.game, "player_id": player, "turn": turn, "planets": []}).to_string()
    }

    async fn read(&self, turn: u32) -> crate::support::Answer {
        let path = format!("/games/{}/reports/{turn}", self.game);
        self.lobby.get(self.player, &path).await
    }

    async fn set(&self, change: &'static str) {
        sqlx::query(change)
            .execute(self.lobby.world.db.pool())
            .await
            .unwrap();
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn commands_orders_and_reports_reach_the_engine_for_the_caller_s_race(pool: PgPool) {
    let table = Table::new(pool, &[]).await;
    let (lobby, game, player) = (&table.lobby, table.game, table.player);
    let answer = table.orders(json!({"orders": [{"type": "wait"}]})).await;
    assert_eq!(answer.expect(200)["results"][0]["ok"], true);
    lobby
        .post(
            player,
            &format!("/games/{game}/commands"),
            json!({"commands": [{"n": 1}, {"n": 2}]}),
        )
        .await
        .expect(200);
    table.engine.answers(200, &table.report(table.player_id, 7));
    lobby
        .get(player, &format!("/games/{game}/reports/7"))
        .await
        .expect(200);
    let id = table.player_id;
    assert_eq!(
        table.engine.asked(),
        [
            (
                "PUT /api/v1/order".to_owned(),
                json!({"player_id": id, "orders": [{"type": "wait"}]})
            ),
            (
                "PUT /api/v1/command".to_owned(),
                json!({"player_id": id, "commands": [{"n": 1}, {"n": 2}]})
            ),
            (
                format!("GET /api/v1/report?player_id={id}&turn=7"),
                Value::Null
            ),
        ]
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_caller_acts_only_for_their_own_player(pool: PgPool) {
    let table = Table::new(pool, &[]).await;
    table
        .orders(json!({"orders": [], "player_id": Uuid::now_v7()}))
        .await
        .refused(400, "invalid_request");
    let path = format!("/games/{}/orders", table.game);
    let body = json!({"orders": []});
    table
        .lobby
        .post(table.owner, &path, body.clone())
        .await
        .refused(403, "not_a_player");
    table
        .lobby
        .post(
            table.player,
            &format!("/games/{}/orders", GameId::generate()),
            body.clone(),
        )
        .await
        .refused(404, "not_found");
    table
        .set("update backend.player_mappings set banished_at = now()")
        .await;
    table.orders(body).await.refused(403, "not_a_player");
    assert!(table.engine.asked().is_empty());
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_removed_member_is_refused_at_once_without_any_event_delivered(pool: PgPool) {
    let table = Table::new(pool, &[]).await;
    let lobby = &table.lobby;
    let memberships = format!("/lobby/games/{}/memberships", table.game);
    let page = lobby.get(table.owner, &memberships).await.expect(200);
    let player = table.player.to_string();
    let items = page["items"].as_array().unwrap();
    let member = items.iter().find(|item| item["user_id"] == player).unwrap();
    let id = member["membership_id"].as_str().unwrap();
    let body = || json!({"orders": []});
    table.orders(body()).await.expect(200);
    let remove = format!("{memberships}/{id}/remove");
    lobby.act(table.owner, &remove).await.expect(204);
    table.orders(body()).await.refused(403, "not_a_player");
    assert_eq!(table.engine.asked().len(), 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn calls_to_a_game_that_does_not_run_are_409(pool: PgPool) {
    let table = Table::new(pool, &[]).await;
    let body = || json!({"orders": []});
    table
        .set("update backend.runtime_records set status = 'generation_in_progress'")
        .await;
    table.orders(body()).await.refused(409, "turn_in_progress");
    table
        .set("update backend.runtime_records set status = 'stopped', endpoint = null")
        .await;
    table.orders(body()).await.refused(409, "game_not_running");
    table
        .set("update backend.runtime_records set status = 'running', endpoint = null")
        .await;
    table
        .orders(body())
        .await
        .refused(503, "engine_unavailable");

    let lobby = &table.lobby;
    let owner = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    let member = lobby.player().await;
    lobby.join(owner, member, game, "Alphas").await;
    lobby
        .post(member, &format!("/games/{game}/orders"), body())
        .await
        .refused(409, "game_not_running");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_refusal_of_the_engine_is_422_with_its_message(pool: PgPool) {
    let table = Table::new(pool, &[]).await;
    let refusal = r#"{"error":{"code":"race_inactive","message":"this race is out of the game"}}"#;
    table.engine.answers(409, refusal);
    let answer = table.orders(json!({"orders": []})).await;
    let message = answer.body["error"]["message"].as_str().unwrap().to_owned();
    answer.refused(422, "engine_refused");
    assert!(
        message.contains("this race is out of the game"),
        "{message}"
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_engine_that_fails_or_is_busy_or_another_one_is_503(pool: PgPool) {
    let table = Table::new(pool, &[]).await;
    for status in [500, 503, 429, 401, 421] {
        table.engine.answers(status, "{}");
        let answer = table.orders(json!({"orders": []})).await;
        assert!(answer.headers.contains_key("retry-after"));
        answer.refused(503, "engine_unavailable");
    }
    table
        .set("update backend.runtime_records set endpoint = 'http://127.0.0.1:9'")
        .await;
    table
        .orders(json!({"orders": []}))
        .await
        .refused(503, "engine_unavailable");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_unusable_answer_is_a_lasting_502(pool: PgPool) {
    let table = Table::new(pool, &[("BACKEND_ENGINE_ANSWER_LIMIT", "1KiB")]).await;
    let long = format!("[{}]", "1,".repeat(600) + "1");
    for (status, body) in [(200, "not json"), (302, "{}"), (200, ""), (200, &long)] {
        table.engine.answers(status, body);
        let answer = table.orders(json!({"orders": []})).await;
        assert!(!answer.headers.contains_key("retry-after"), "{body}");
        answer.refused(502, "engine_answer_invalid");
    }
    table.engine.answers_as("text/html", "{}");
    table
        .orders(json!({"orders": []}))
        .await
        .refused(502, "engine_answer_invalid");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn another_player_s_report_never_reaches_a_player(pool: PgPool) {
    let table = Table::new(pool, &[]).await;
    for report in [
        table.report(Uuid::now_v7(), 3),
        table.report(table.player_id, 2),
        "{}".to_owned(),
        "[]".to_owned(),
    ] {
        table.engine.answers(200, &report);
        let answer = table.read(3).await;
        assert!(!answer.body.to_string().contains("planets"), "{report}");
        answer.refused(502, "engine_answer_invalid");
    }
    table.engine.answers(200, &table.report(table.player_id, 3));
    table.read(3).await.expect(200);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn after_the_end_there_are_reports_but_nothing_to_do(pool: PgPool) {
    let table = Table::new(pool, &[]).await;
    table.engine.answers(200, &table.report(table.player_id, 3));
    for end in [
        "update backend.runtime_records set finished_at = now()",
        "update backend.runtime_records set status = 'finished'",
    ] {
        table.set(end).await;
        table
            .orders(json!({"orders": []}))
            .await
            .refused(409, "game_not_running");
        let path = format!("/games/{}/commands", table.game);
        let commands = json!({"commands": []});
        let answer = table.lobby.post(table.player, &path, commands).await;
        answer.refused(409, "game_not_running");
        table.read(3).await.expect(200);
    }
    let asked = table.engine.asked();
    assert!(
        asked.iter().all(|(line, _)| line.starts_with("GET ")),
        "{asked:?}"
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_call_to_a_slow_engine_times_out(pool: PgPool) {
    let table = Table::new(pool, &[("BACKEND_ENGINE_TIMEOUT", "300ms")]).await;
    table.engine.answers(0, "");
    let answer = tokio::time::timeout(Duration::from_secs(10), table.orders(json!({"orders": []})))
        .await
        .expect("an answer");
    answer.refused(504, "engine_timeout");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn orders_may_be_larger_than_other_bodies_up_to_their_own_limit(pool: PgPool) {
    let table = Table::new(pool, &[]).await;
    let order = |size: usize| json!({"orders": [{"note": "x".repeat(size)}]});
    table.orders(order(500_000)).await.expect(200);
    table
        .orders(order(1_100_000))
        .await
        .refused(413, "body_too_large");
    let path = format!("/lobby/games/{}/applications", table.game);
    let body = json!({"race_name": "Zorgons", "message": "x".repeat(100_000)});
    table
        .lobby
        .post(table.player, &path, body)
        .await
        .refused(413, "body_too_large");
}
