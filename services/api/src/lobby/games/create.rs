//! `POST /lobby/games`: a new draft.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_core::{GameId, Timestamp};
use galaxy_http::ApiJson;
use galaxy_runtime::engines;
use serde::Deserialize;
use serde_json::{Map, Value};
use tracing::instrument;
use utoipa::ToSchema;

use crate::{
    accounts::{self, Action, Caller, LimitCode},
    lobby::{
        Lobby, engine_choice,
        game::Game,
        limits,
        model::{GameStatus, Visibility},
        refusal::Error,
        settings::Settings,
        store,
        view::GameView,
    },
};

/// A game to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "game_name": "Orion's arm", "visibility": "public", "min_players": 3, "max_players": 8,
    "enrollment_ends_at": "2099-01-31T18:00:00Z", "turn_schedule": "0 18 * * 1-5", "time_zone": "Europe/Berlin"
}))]
pub struct CreateGame {
    /// 3–60 visible characters.
    pub game_name: String,
    /// Up to 2,000 characters.
    #[serde(default)]
    pub description: String,
    /// Who sees it; public if absent.
    #[serde(default)]
    pub visibility: Visibility,
    /// Players it needs.
    #[schema(minimum = 2, maximum = 64)]
    pub min_players: i32,
    /// Players it takes, at least `min_players`.
    #[schema(minimum = 2, maximum = 64)]
    pub max_players: i32,
    /// Until when players can apply; in the future.
    pub enrollment_ends_at: Timestamp,
    /// When turns are generated, as five cron fields: minute, hour, day of month, month, day of week.
    pub turn_schedule: String,
    /// The schedule's time zone, an IANA name; UTC if absent.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// What kind of game it is, an engine of `GET /lobby/engines`; the default one if absent.
    #[serde(default)]
    pub engine_name: Option<String>,
    /// The engine version to play with, an enabled one; the newest if absent.
    #[serde(default)]
    pub target_engine_version: Option<String>,
    /// Options of the game, as the version's `options_schema` takes them; none if absent.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub options: Option<Map<String, Value>>,
}

/// Makes a draft that only its owner sees.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/games",
    tag = "User",
    operation_id = "create_game",
    request_body = CreateGame,
    responses(
        (status = 201, body = GameView, description = "The draft."),
        (status = 409, description = "`limit_reached`: the account owns as many unfinished games as it may.")
    )
)]
#[instrument(skip_all, fields(user_id = %caller.user_id))]
pub async fn create_game(
    State(lobby): State<Lobby>,
    caller: Caller,
    ApiJson(request): ApiJson<CreateGame>,
) -> Result<(StatusCode, Json<GameView>), Error> {
    let now = lobby.clock.now();
    let mut tx = lobby.db.begin().await?;
    accounts::ensure_may(&mut tx, caller.user_id, Action::CreateGame, now).await?;
    let mut game = draft(caller, now);
    let mut settings = Settings::from(request);
    if settings.engine_name.is_none() {
        settings.engine_name = Some(engines::default_name(&mut tx).await?);
    }
    engine_choice::complete(&mut tx, &game, &mut settings).await?;
    settings.apply(&mut game, now)?;
    limits::lock(&mut tx, caller.user_id).await?;
    let owned = store::games::count_owned(&mut tx, caller.user_id).await?;
    limits::check(
        &mut tx,
        caller.user_id,
        LimitCode::MaxOwnedGames,
        owned,
        now,
    )
    .await?;
    store::games::insert(&mut tx, &game).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(game.into())))
}

fn draft(caller: Caller, now: Timestamp) -> Game {
    Game {
        game_id: GameId::generate(),
        owner_user_id: caller.user_id,
        game_name: String::new(),
        description: String::new(),
        visibility: Visibility::default(),
        status: GameStatus::Draft,
        min_players: 0,
        max_players: 0,
        approved_count: 0,
        enrollment_ends_at: now,
        turn_schedule: String::new(),
        time_zone: "UTC".to_owned(),
        engine_name: String::new(),
        target_engine_version: None,
        options: Value::Object(Map::new()),
        version: 1,
        start_failure: None,
        pause_reason: None,
        current_turn: None,
        runtime_status: None,
        next_turn_at: None,
        engine_health: None,
        created_at: now,
        updated_at: now,
        started_at: None,
        finished_at: None,
        handed_over_at: None,
    }
}

impl From<CreateGame> for Settings {
    fn from(request: CreateGame) -> Self {
        Self {
            game_name: Some(request.game_name),
            description: Some(request.description),
            visibility: Some(request.visibility),
            min_players: Some(request.min_players),
            max_players: Some(request.max_players),
            enrollment_ends_at: Some(request.enrollment_ends_at),
            turn_schedule: Some(request.turn_schedule),
            time_zone: request.time_zone,
            engine_name: request.engine_name,
            target_engine_version: request.target_engine_version,
            options: Some(request.options.unwrap_or_default()),
            version: None,
        }
    }
}
