//! A lobby over a fresh database, and players who call it.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, request},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::future::join_all;
use galaxy_api::{
    Config,
    compose::{self, Domains},
    lobby::RuntimeEvents,
    routes,
};
use galaxy_core::{
    EngineHealth, EventId, FailureCode, GameId, GameStage, Op, OperationId, RuntimeStatus,
    Timestamp, UserId,
};
use galaxy_events::{
    Envelope, Event, Handler, Verdict,
    catalogue::runtime::{
        GenerationFailed, OperationFinished, PlayerSnapshot, RuntimeGameFinished, RuntimeSnapshot,
    },
};
use galaxy_service::{Section, Vars};
use galaxy_testkit::World;
use jiff::SignedDuration;
use serde_json::{Value, json};
use sqlx::PgPool;
use tower::ServiceExt;

const PASSWORD: &str = "a password for tests only";

/// A lobby of its own.
pub struct Lobby {
    pub world: World,
    router: Router,
}

/// What a call came back with.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The body, if the status is the expected one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// Checks status and error code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) {
        let got = (self.status.as_u16(), self.body["error"]["code"].as_str());
        assert_eq!(got, (status, Some(code)), "{}", self.body);
    }
}

/// The field of that name as text.
#[track_caller]
pub fn text(body: &Value, field: &str) -> String {
    body[field]
        .as_str()
        .unwrap_or_else(|| panic!("no text {field} in {body}"))
        .to_owned()
}

impl Lobby {
    pub async fn new(pool: PgPool) -> Self {
        Self::with(pool, &[]).await
    }

    pub async fn with(pool: PgPool, variables: &'static [(&'static str, &'static str)]) -> Self {
        let world = World::as_runtime_role(pool).await;
        let mut vars = Vars::from_lookup(move |name| {
            let given = variables.iter().find(|(variable, _)| *variable == name);
            given.map(|(_, text)| (*text).to_owned()).or(match name {
                "BACKEND_POSTGRES_URL" => Some("postgres://unused".to_owned()),
                "BACKEND_AUTH_PEPPER" => Some("a pepper for tests only".to_owned()),
                "BACKEND_INSECURE" => Some("1".to_owned()),
                "BACKEND_ADMIN_BOOTSTRAP_USER" => Some("root".to_owned()),
                "BACKEND_ADMIN_BOOTSTRAP_PASSWORD" => Some(PASSWORD.to_owned()),
                _ => None,
            })
        });
        let config = Config::read(&mut vars).expect("the test configuration is right");
        let domains = Domains::new(&config, &world.process, &world.db, None)
            .expect("the domains can be built");
        compose::bootstrap(&config, &world.db, &world.clock)
            .await
            .expect("the bootstrap succeeds");
        sqlx::query(
            "insert into backend.engine_versions (version, image_ref) values ('1.0.0', 'example.org/engine:1.0.0')",
        )
        .execute(world.db.pool())
        .await
        .expect("an engine version can be made");
        Self {
            router: routes::router(&config, &world.process, &domains),
            world,
        }
    }

    pub fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    pub fn later(&self, hours: i64) -> Timestamp {
        self.now() + SignedDuration::from_hours(hours)
    }

    /// A new player of the free tier.
    pub async fn player(&self) -> UserId {
        self.world.account().await
    }

    /// A new player of the largest tier.
    pub async fn rich_player(&self) -> UserId {
        let player = self.player().await;
        sqlx::query(
            "update backend.entitlement_snapshots set tier = 'permanent', max_registered_race_names = 100
             where user_id = $1",
        )
        .bind(player.uuid())
        .execute(self.world.db.pool())
        .await
        .expect("the tier can be set");
        player
    }

    /// A call of a player.
    pub async fn call(
        &self,
        player: UserId,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/user{path}"))
            .header("x-user-id", player.to_string());
        self.send(request, body).await
    }

    /// A call of the operator.
    pub async fn admin(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let credentials = STANDARD.encode(format!("root:{PASSWORD}"));
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/admin{path}"))
            .header("authorization", format!("Basic {credentials}"));
        self.send(request, body).await
    }

    /// A call without any credentials.
    pub async fn anonymous(&self, method: &str, path: &str) -> Answer {
        self.send(Request::builder().method(method).uri(path), None)
            .await
    }

    async fn send(&self, mut request: request::Builder, body: Option<Value>) -> Answer {
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let answer = self
            .router
            .clone()
            .oneshot(request.body(body).expect("a request"))
            .await
            .expect("the router answers");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = to_bytes(answer.into_body(), 1 << 22).await.expect("a body");
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).expect("a JSON body")
        };
        Answer {
            status,
            headers,
            body,
        }
    }

    pub async fn get(&self, player: UserId, path: &str) -> Answer {
        self.call(player, "GET", path, None).await
    }

    pub async fn post(&self, player: UserId, path: &str, body: Value) -> Answer {
        self.call(player, "POST", path, Some(body)).await
    }

    /// A call without a body.
    pub async fn act(&self, player: UserId, path: &str) -> Answer {
        self.call(player, "POST", path, None).await
    }

    /// The request for a public game of two to four players.
    pub fn game_request(&self) -> Value {
        json!({
            "game_name": "Orion's arm", "visibility": "public", "min_players": 2, "max_players": 4,
            "enrollment_ends_at": self.later(24), "turn_schedule": "0 18 * * *"
        })
    }

    /// A new draft of `owner`, changed by `change`.
    pub async fn draft(&self, owner: UserId, change: Value) -> GameId {
        let mut request = self.game_request();
        for (field, value) in change.as_object().into_iter().flatten() {
            request[field] = value.clone();
        }
        let game = self.post(owner, "/lobby/games", request).await.expect(201);
        text(&game, "game_id").parse().expect("an id")
    }

    /// A game that enrolls.
    pub async fn open_game(&self, owner: UserId, change: Value) -> GameId {
        let game = self.draft(owner, change).await;
        self.act(owner, &format!("/lobby/games/{game}/open-enrollment"))
            .await
            .expect(200);
        game
    }

    /// Applies; the application's id.
    pub async fn apply(&self, player: UserId, game: GameId, race: &str) -> String {
        let application = self
            .post(
                player,
                &format!("/lobby/games/{game}/applications"),
                json!({"race_name": race}),
            )
            .await
            .expect(201);
        text(&application, "application_id")
    }

    pub async fn approve(&self, owner: UserId, game: GameId, application: &str) -> Answer {
        self.act(
            owner,
            &format!("/lobby/games/{game}/applications/{application}/approve"),
        )
        .await
    }

    /// Makes `player` a member of a public game.
    pub async fn join(&self, owner: UserId, player: UserId, game: GameId, race: &str) {
        let application = self.apply(player, game, race).await;
        self.approve(owner, game, &application).await.expect(200);
    }

    /// A running game with two members, `(game, members)`; race names begin with `prefix`.
    pub async fn running_game(&self, owner: UserId, prefix: &str) -> (GameId, [UserId; 2]) {
        let game = self.open_game(owner, json!({})).await;
        let members = [self.player().await, self.player().await];
        for (player, n) in members.iter().zip(["ones", "twos"]) {
            self.join(owner, *player, game, &format!("{prefix} {n}"))
                .await;
        }
        self.act(owner, &format!("/lobby/games/{game}/ready-to-start"))
            .await
            .expect(200);
        self.act(owner, &format!("/lobby/games/{game}/start"))
            .await
            .expect(202);
        self.runtime_is(game, "running").await;
        self.apply_event(&started(game)).await;
        (game, members)
    }

    /// Does to the runtime record what a runtime manager would have done.
    pub async fn runtime_is(&self, game: GameId, status: &str) {
        sqlx::query("update backend.runtime_records set status = $2 where game_id = $1")
            .bind(game.uuid())
            .bind(status)
            .execute(self.world.db.pool())
            .await
            .expect("the runtime record can be set");
    }

    /// Runs all `calls` at once, each on a connection that stands already: one that had to be made first would come
    /// too late for the race.
    pub async fn race<F: Future>(&self, calls: impl IntoIterator<Item = F>) -> Vec<F::Output> {
        let pool = self.world.db.pool();
        let connections = (0..pool.options().get_max_connections()).map(|_| pool.acquire());
        drop(join_all(connections).await);
        join_all(calls).await
    }

    pub async fn status(&self, game: GameId) -> String {
        sqlx::query_scalar("select status from backend.games where game_id = $1")
            .bind(game.uuid())
            .fetch_one(self.world.db.pool())
            .await
            .expect("the game is there")
    }

    /// Gives the lobby an event of the runtime, as its consumer would.
    pub async fn apply_event<E: Event>(&self, event: &E) -> Verdict {
        let envelope = Envelope {
            id: EventId::generate(),
            event_type: E::TYPE.to_owned(),
            time: self.now(),
            traceparent: None,
            data: serde_json::to_vec(event).expect("an event").into(),
        };
        let handler = RuntimeEvents {
            clock: self.world.clock.clone(),
        };
        let mut tx = self.world.db.begin().await.expect("a transaction");
        let verdict = handler.apply(&mut tx, &envelope).await.expect("applied");
        if !matches!(verdict, Verdict::Again(_)) {
            tx.commit().await.expect("committed");
        }
        verdict
    }

    /// How many race names are held, in whatever tier.
    pub async fn held_names(&self) -> i64 {
        self.world
            .count("select count(*) from backend.race_names where status <> 'released'")
            .await
    }
}

/// The engine came up.
pub fn started(game_id: GameId) -> OperationFinished {
    OperationFinished {
        game_id,
        version: 2,
        operation_id: OperationId::generate(),
        op: Op::Start.into(),
        succeeded: true,
        error: None,
    }
}

/// The engine did not come up.
pub fn start_failed(game_id: GameId, error: FailureCode) -> OperationFinished {
    OperationFinished {
        succeeded: false,
        error: Some(error.into()),
        ..started(game_id)
    }
}

/// A turn could not be generated.
pub fn generation_failed(game_id: GameId, version: i64) -> GenerationFailed {
    GenerationFailed {
        game_id,
        version,
        game_name: "Orion's arm".to_owned(),
        turn: 2,
        error: FailureCode::EngineTimeout.into(),
        detail: None,
        engine_version: Some("1.4.2".to_owned()),
    }
}

/// A snapshot at a turn.
pub fn snapshot(game_id: GameId, version: i64, turn: u32) -> RuntimeSnapshot {
    RuntimeSnapshot {
        game_id,
        version,
        turn,
        stage: GameStage::Running.into(),
        runtime_status: RuntimeStatus::Running.into(),
        engine_health: EngineHealth::Healthy.into(),
        next_turn_at: None,
        players: vec![],
    }
}

/// A player who grew, or did not.
pub fn player_snapshot(user_id: UserId, grew: bool) -> PlayerSnapshot {
    PlayerSnapshot {
        user_id,
        race_name: "any".to_owned(),
        planets: 1,
        population: 500,
        max_planets: if grew { 3 } else { 1 },
        max_population: if grew { 900 } else { 500 },
        initial_planets: 1,
        initial_population: 500,
        active: true,
    }
}

/// The engine says that the game is over.
pub fn finished(game_id: GameId, players: Vec<PlayerSnapshot>) -> RuntimeGameFinished {
    RuntimeGameFinished {
        game_id,
        version: 9,
        turn: 12,
        players,
    }
}
