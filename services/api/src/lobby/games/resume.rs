//! `POST /lobby/games/{game_id}/resume`: turns go on.

use axum::{Json, extract::State};
use galaxy_events::catalogue::lobby::GameResumed;
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

/// Lets turns go on; the next one is the next tick of the schedule.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/games/{game_id}/resume",
    tag = "User",
    operation_id = "resume_game",
    params(("game_id" = galaxy_core::GameId, Path)),
    responses(
        (status = 200, body = GameView, description = "The game."),
        (status = 409, description = "`invalid_transition`, or `runtime_not_ready`."),
        OwnedGameRefusals
    )
)]
#[instrument(skip_all, fields(game_id = %owned.game.game_id))]
pub async fn resume_game(
    State(lobby): State<Lobby>,
    owned: OwnedGame,
) -> Result<Json<GameView>, Error> {
    let now = lobby.clock.now();
    let mut tx = lobby.db.begin().await?;
    let mut game = lock_managed(&mut tx, owned.user_id, owned.game.game_id, now).await?;
    runtime::resume(&mut tx, &mut game, now).await?;
    store::games::save(&mut tx, &mut game, now).await?;
    events::game(&mut tx, &game, |roster| GameResumed { roster }).await?;
    tx.commit().await?;
    Ok(Json(game.into()))
}
