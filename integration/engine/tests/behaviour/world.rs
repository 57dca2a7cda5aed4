//! Games to play with, a directory that goes away, and a client for the router.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode},
};
use galaxy_engine::{
    engine::Engine,
    game::{Command, Game, GameOptions, NewGame, Order, PlanetId, Production, RaceEntry, RaceId},
    http::{self, Settings},
    store::StateDir,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

pub const GAME: &str = "0192f0c1-2b4e-7c3a-9d7e-5a1b2c3d4e5f";

/// A directory of its own for each test, removed at the end.
pub struct TempDir(pub PathBuf);

impl TempDir {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("engine-{}-{number}", std::process::id());
        Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name))
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Races R0, R1, …
pub fn new_game(seed: u64, races: usize) -> NewGame {
    let races = (0..races)
        .map(|n| RaceEntry {
            race_name: format!("R{n}"),
        })
        .collect();
    NewGame {
        game_id: GAME.parse().unwrap(),
        seed,
        races,
        options: GameOptions::default(),
    }
}

/// Something a player may try; much of it will be refused, as in life.
#[derive(Debug, Clone)]
pub struct Try {
    pub race: usize,
    pub from: usize,
    pub to: usize,
    pub ships: u64,
    pub production: Production,
}

pub fn any_try() -> impl Strategy<Value = Try> {
    let production = prop_oneof![
        Just(Production::Ships),
        Just(Production::Defence),
        Just(Production::Population)
    ];
    (
        0_usize..4,
        any::<usize>(),
        any::<usize>(),
        0_u64..12,
        production,
    )
        .prop_map(|(race, from, to, ships, production)| Try {
            race,
            from,
            to,
            ships,
            production,
        })
}

/// What is tried in each turn of a game.
pub fn any_history() -> impl Strategy<Value = Vec<Vec<Try>>> {
    proptest::collection::vec(proptest::collection::vec(any_try(), 0..8), 1..12)
}

/// The orders of one race among those tries: it sends ships from one of its planets.
pub fn orders_of(game: &Game, race: usize, tries: &[Try]) -> Vec<Order> {
    let own: Vec<usize> = (0..game.planets.len())
        .filter(|&planet| game.planets[planet].owner == Some(RaceId(race)))
        .collect();
    tries
        .iter()
        .filter(|try_| try_.race == race && !own.is_empty())
        .flat_map(|try_| {
            let from = PlanetId(own[try_.from % own.len()]);
            let to = PlanetId(try_.to % game.planets.len());
            [
                Order::SendShips {
                    from,
                    to,
                    ships: try_.ships,
                },
                Order::SetProduction {
                    planet: from,
                    production: try_.production,
                },
            ]
        })
        .collect()
}

/// Plays a turn, the races giving their orders in that sequence.
pub fn play_turn(game: &mut Game, tries: &[Try], races: &[usize]) {
    for &race in races {
        let player = game.races[race].player_id;
        let orders = orders_of(game, race, tries);
        let nickname = Some(format!("turn {}", game.turn));
        let command = Command::NicknamePlanet {
            planet: PlanetId(race),
            nickname,
        };
        let _ = game.command(player, &[command]);
        let _ = game.order(player, orders);
    }
    game.generate(game.turn + 1).unwrap();
}

/// An engine behind its router, without a socket.
pub struct Api {
    pub engine: Arc<Engine>,
    router: Router,
    dir: TempDir,
}

impl Api {
    pub fn new() -> Self {
        Self::with(Settings::default())
    }

    pub fn with(settings: Settings) -> Self {
        let dir = TempDir::new();
        let engine = Arc::new(Engine::open(StateDir::open(&dir.0).unwrap(), 60).unwrap());
        Self {
            router: http::router(Arc::clone(&engine), settings),
            engine,
            dir,
        }
    }

    /// The state directory.
    pub fn dir(&self) -> &Path {
        &self.dir.0
    }

    /// With a game of three races; also their player ids.
    pub async fn with_game() -> (Self, Vec<Uuid>) {
        let api = Self::new();
        let (status, body) = api.post("/api/v1/admin/init", &init_body()).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let players = body["players"].as_array().unwrap();
        let id = |player: &Value| player["player_id"].as_str().unwrap().parse().unwrap();
        let players = players.iter().map(id).collect();
        (api, players)
    }

    pub async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let json = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).unwrap()
        };
        (status, json)
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.send(with_body(Method::POST, path, body.to_string()))
            .await
    }

    pub async fn put(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.send(with_body(Method::PUT, path, body.to_string()))
            .await
    }
}

pub fn with_body(method: Method, path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

pub fn init_body() -> Value {
    json!({"game_id": GAME, "seed": 7, "races": [
        {"race_name": "Terrans"}, {"race_name": "Zorgons"}, {"race_name": "Mirani"},
    ]})
}
