//! `POST /lobby/games/{game_id}/start`: starts the engine.

use axum::{Json, extract::State, http::StatusCode};
use tracing::instrument;

use super::start_owned;
use crate::lobby::{
    Lobby,
    access::{OwnedGame, OwnedGameRefusals},
    model::Action,
    refusal::Error,
    view::GameView,
};

/// Starts the game with its roster as it stands. It runs once its engine is up; an event tells.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/games/{game_id}/start",
    tag = "User",
    operation_id = "start_game",
    params(("game_id" = galaxy_core::GameId, Path)),
    responses(
        (status = 202, body = GameView, description = "The game, starting."),
        (status = 409, description = "`invalid_transition`, `not_enough_players`, `no_engine_version`, `player_limits` or `options_invalid`."),
        OwnedGameRefusals
    )
)]
#[instrument(skip_all, fields(game_id = %owned.game.game_id))]
pub async fn start_game(
    State(lobby): State<Lobby>,
    owned: OwnedGame,
) -> Result<(StatusCode, Json<GameView>), Error> {
    start_owned(&lobby, &owned, Action::Start).await
}
