//! `POST /games/{game_id}/cancel`: an operator gives a game up that does not run.

use axum::{Json, extract::State};
use galaxy_core::GameId;
use galaxy_http::ApiPath;
use tracing::instrument;

use super::{conclude, lock};
use crate::{
    lobby::{cancellation, refusal::Error, view::GameView},
    operators::{Admin, Operators},
};

/// Cancels a game that does not run yet, or whose start failed: reserved race names are free again.
#[utoipa::path(
    post,
    path = "/api/v1/admin/games/{game_id}/cancel",
    tag = "Admin",
    operation_id = "cancel_any_game",
    params(("game_id" = GameId, Path)),
    responses(
        (status = 200, body = GameView, description = "The game."),
        (status = 404, description = "No such game."),
        (status = 409, description = "`invalid_transition`: it runs, or is over.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %game_id))]
pub async fn cancel_any_game(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(game_id): ApiPath<GameId>,
) -> Result<Json<GameView>, Error> {
    let now = operators.clock.now();
    let mut tx = operators.db.begin().await?;
    let mut game = lock(&mut tx, game_id).await?;
    cancellation::cancel(&mut tx, &mut game, now).await?;
    conclude(tx, &admin, "games.cancel", game).await
}
