//! `POST /lobby/games/{game_id}/ready-to-start`: enrollment ends, the roster stands.

use axum::{Json, extract::State};
use galaxy_events::catalogue::lobby::GameReady;
use tracing::instrument;

use super::lock_managed;
use crate::lobby::{
    Lobby,
    access::{OwnedGame, OwnedGameRefusals},
    engine_choice, enrollment, events,
    refusal::Error,
    store,
    view::GameView,
};

/// Ends enrollment: open applications are rejected, open invites revoked.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/games/{game_id}/ready-to-start",
    tag = "User",
    operation_id = "ready_to_start",
    params(("game_id" = galaxy_core::GameId, Path)),
    responses(
        (status = 200, body = GameView, description = "The game."),
        (status = 409, description = "`invalid_transition`, `not_enough_players`, or `player_limits` of the engine version."),
        OwnedGameRefusals
    )
)]
#[instrument(skip_all, fields(game_id = %owned.game.game_id))]
pub async fn ready_to_start(
    State(lobby): State<Lobby>,
    owned: OwnedGame,
) -> Result<Json<GameView>, Error> {
    let now = lobby.clock.now();
    let mut tx = lobby.db.begin().await?;
    let mut game = lock_managed(&mut tx, owned.user_id, owned.game.game_id, now).await?;
    game.make_ready()?;
    engine_choice::check_roster(&mut tx, &game).await?;
    store::games::save(&mut tx, &mut game, now).await?;
    enrollment::close(&mut tx, &game, now).await?;
    events::game(&mut tx, &game, |roster| GameReady { roster }).await?;
    tx.commit().await?;
    Ok(Json(game.into()))
}
