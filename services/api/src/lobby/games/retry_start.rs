//! `POST /lobby/games/{game_id}/retry-start`: another try after a failed start.

use axum::{Json, extract::State, http::StatusCode};
use tracing::instrument;

use super::lock_managed;
use crate::lobby::{
    Lobby, access::OwnedGame, model::Action, refusal::Error, runtime, view::GameView,
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
        (status = 403, description = "`not_owner`."),
        (status = 404, description = "No such game, or not visible to the caller."),
        (status = 409, description = "`invalid_transition`, `not_enough_players` or `no_engine_version`.")
    )
)]
#[instrument(skip_all, fields(game_id = %owned.game.game_id))]
pub async fn retry_start(
    State(lobby): State<Lobby>,
    owned: OwnedGame,
) -> Result<(StatusCode, Json<GameView>), Error> {
    let now = lobby.clock.now();
    let mut tx = lobby.db.begin().await?;
    let mut game = lock_managed(&mut tx, owned.user_id, owned.game.game_id, now).await?;
    let by = format!("user:{}", owned.user_id);
    runtime::start(&mut tx, &mut game, Action::RetryStart, by, now).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(game.into())))
}
