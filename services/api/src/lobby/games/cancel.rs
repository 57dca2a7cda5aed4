//! `POST /lobby/games/{game_id}/cancel`: ends a game that does not run yet.

use axum::{Json, extract::State};
use tracing::instrument;

use super::lock_managed;
use crate::lobby::{
    Lobby,
    access::{OwnedGame, OwnedGameRefusals},
    cancellation,
    refusal::Error,
    view::GameView,
};

/// Gives the game up: nobody can join any more, reserved race names are free again.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/games/{game_id}/cancel",
    tag = "User",
    operation_id = "cancel_game",
    params(("game_id" = galaxy_core::GameId, Path)),
    responses(
        (status = 200, body = GameView, description = "The game."),
        (status = 409, description = "`invalid_transition`: it runs, or is over."),
        OwnedGameRefusals
    )
)]
#[instrument(skip_all, fields(game_id = %owned.game.game_id))]
pub async fn cancel_game(
    State(lobby): State<Lobby>,
    owned: OwnedGame,
) -> Result<Json<GameView>, Error> {
    let now = lobby.clock.now();
    let mut tx = lobby.db.begin().await?;
    let mut game = lock_managed(&mut tx, owned.user_id, owned.game.game_id, now).await?;
    cancellation::cancel(&mut tx, &mut game, now).await?;
    tx.commit().await?;
    Ok(Json(game.into()))
}
