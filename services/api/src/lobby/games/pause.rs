//! `POST /lobby/games/{game_id}/pause`: stops the turns.

use axum::{Json, extract::State};
use tracing::instrument;

use super::lock_managed;
use crate::lobby::{
    Lobby,
    access::{OwnedGame, OwnedGameRefusals},
    events,
    refusal::Error,
    runtime, store,
    view::GameView,
};

/// Stops the turns; a turn being generated comes to its end.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/games/{game_id}/pause",
    tag = "User",
    operation_id = "pause_game",
    params(("game_id" = galaxy_core::GameId, Path)),
    responses(
        (status = 200, body = GameView, description = "The game."),
        (status = 409, description = "`invalid_transition`, or `runtime_not_ready`."),
        OwnedGameRefusals
    )
)]
#[instrument(skip_all, fields(game_id = %owned.game.game_id))]
pub async fn pause_game(
    State(lobby): State<Lobby>,
    owned: OwnedGame,
) -> Result<Json<GameView>, Error> {
    let now = lobby.clock.now();
    let mut tx = lobby.db.begin().await?;
    let mut game = lock_managed(&mut tx, owned.user_id, owned.game.game_id, now).await?;
    game.pause("owner")?;
    runtime::pause(&mut tx, &mut game, now).await?;
    store::games::save(&mut tx, &mut game, now).await?;
    events::paused(&mut tx, &game, None).await?;
    tx.commit().await?;
    Ok(Json(game.into()))
}
