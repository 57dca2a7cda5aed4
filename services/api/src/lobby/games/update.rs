//! `PATCH /lobby/games/{game_id}`: changes the fields that the game's status lets change.

use axum::{Json, extract::State};
use galaxy_core::Timestamp;
use galaxy_http::ApiJson;
use serde::Deserialize;
use serde_json::{Map, Value};
use tracing::instrument;
use utoipa::ToSchema;

use super::lock_managed;
use crate::lobby::{
    Lobby,
    access::{OwnedGame, OwnedGameRefusals},
    engine_choice,
    model::Visibility,
    refusal::Error,
    settings::Settings,
    store,
    view::GameView,
};

/// What to change; absent fields stay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"description": "Starts on Monday."}))]
pub struct UpdateGame {
    /// 3–60 visible characters.
    #[serde(default)]
    pub game_name: Option<String>,
    /// Up to 2,000 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// Who sees it.
    #[serde(default)]
    pub visibility: Option<Visibility>,
    /// Players it needs.
    #[serde(default)]
    #[schema(minimum = 2, maximum = 64)]
    pub min_players: Option<i32>,
    /// Players it takes.
    #[serde(default)]
    #[schema(minimum = 2, maximum = 64)]
    pub max_players: Option<i32>,
    /// Until when players can apply; once enrollment is open, only later.
    #[serde(default)]
    pub enrollment_ends_at: Option<Timestamp>,
    /// Five cron fields.
    #[serde(default)]
    pub turn_schedule: Option<String>,
    /// An IANA name.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Another kind of game; with it goes the version, for the newest one if none is named.
    #[serde(default)]
    pub engine_name: Option<String>,
    /// An enabled version of the engine.
    #[serde(default)]
    pub target_engine_version: Option<String>,
    /// All options of the game, instead of those before; until it starts.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub options: Option<Map<String, Value>>,
}

/// Changes a draft in everything, an enrolling game in its description and a later end of enrollment, and the options until it
/// starts.
#[utoipa::path(
    patch,
    path = "/api/v1/user/lobby/games/{game_id}",
    tag = "User",
    operation_id = "update_game",
    params(("game_id" = galaxy_core::GameId, Path)),
    request_body = UpdateGame,
    responses(
        (status = 200, body = GameView, description = "The changed game."),
        (status = 409, description = "`not_editable`: a field that no longer changes."),
        OwnedGameRefusals
    )
)]
#[instrument(skip_all, fields(game_id = %owned.game.game_id))]
pub async fn update_game(
    State(lobby): State<Lobby>,
    owned: OwnedGame,
    ApiJson(request): ApiJson<UpdateGame>,
) -> Result<Json<GameView>, Error> {
    let now = lobby.clock.now();
    let mut tx = lobby.db.begin().await?;
    let mut game = lock_managed(&mut tx, owned.user_id, owned.game.game_id, now).await?;
    let mut settings = Settings::from(request);
    engine_choice::complete(&mut tx, &game, &mut settings).await?;
    settings.apply_later(&mut game, now)?;
    store::games::save(&mut tx, &mut game, now).await?;
    tx.commit().await?;
    Ok(Json(game.into()))
}

impl From<UpdateGame> for Settings {
    fn from(request: UpdateGame) -> Self {
        Self {
            game_name: request.game_name,
            description: request.description,
            visibility: request.visibility,
            min_players: request.min_players,
            max_players: request.max_players,
            enrollment_ends_at: request.enrollment_ends_at,
            turn_schedule: request.turn_schedule,
            time_zone: request.time_zone,
            engine_name: request.engine_name,
            target_engine_version: request.target_engine_version,
            options: request.options,
            version: None,
        }
    }
}
