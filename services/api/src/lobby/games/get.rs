//! `GET /lobby/games/{game_id}`: a game with its roster counts and its runtime view.

use axum::Json;
use tracing::instrument;

use crate::lobby::{access::VisibleGame, view::GameView};

/// A game that the caller may see.
#[utoipa::path(
    get,
    path = "/api/v1/user/lobby/games/{game_id}",
    tag = "User",
    operation_id = "get_game",
    params(("game_id" = galaxy_core::GameId, Path)),
    responses(
        (status = 200, body = GameView, description = "The game."),
        (status = 404, description = "No such game, or not visible to the caller.")
    )
)]
#[instrument(skip_all, fields(game_id = %visible.game.game_id))]
pub async fn get_game(visible: VisibleGame) -> Json<GameView> {
    Json(visible.game.into())
}
