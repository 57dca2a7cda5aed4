//! `POST /lobby/games/{game_id}/retry-start`: another try after a failed start.

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

/// Tries again to start a game whose start failed.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/games/{game_id}/retry-start",
    tag = "User",
    operation_id = "retry_start",
    params(("game_id" = galaxy_core::GameId, Path)),
    responses(
        (status = 202, body = GameView, description = "The game, starting."),
        (status = 409, description = "`invalid_transition`, `not_enough_players`, `no_engine_version`, `player_limits` or `options_invalid`."),
        OwnedGameRefusals
    )
)]
#[instrument(skip_all, fields(game_id = %owned.game.game_id))]
pub async fn retry_start(
    State(lobby): State<Lobby>,
    owned: OwnedGame,
) -> Result<(StatusCode, Json<GameView>), Error> {
    start_owned(&lobby, &owned, Action::RetryStart).await
}
