//! `POST /lobby/games/{game_id}/open-enrollment`: players can apply or be invited.

use axum::{Json, extract::State};
use galaxy_events::catalogue::lobby::GameOpened;
use tracing::instrument;

use super::lock_managed;
use crate::lobby::{
    Lobby,
    access::{OwnedGame, OwnedGameRefusals},
    events,
    refusal::Error,
    store,
    view::GameView,
};

/// Takes players from now on; a public game becomes visible to all.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/games/{game_id}/open-enrollment",
    tag = "User",
    operation_id = "open_enrollment",
    params(("game_id" = galaxy_core::GameId, Path)),
    responses(
        (status = 200, body = GameView, description = "The game."),
        (status = 409, description = "`invalid_transition`, or `enrollment_ended`: its end has passed."),
        OwnedGameRefusals
    )
)]
#[instrument(skip_all, fields(game_id = %owned.game.game_id))]
pub async fn open_enrollment(
    State(lobby): State<Lobby>,
    owned: OwnedGame,
) -> Result<Json<GameView>, Error> {
    let now = lobby.clock.now();
    let mut tx = lobby.db.begin().await?;
    let mut game = lock_managed(&mut tx, owned.user_id, owned.game.game_id, now).await?;
    game.open(now)?;
    store::games::save(&mut tx, &mut game, now).await?;
    events::game(&mut tx, &game, |roster| GameOpened { roster }).await?;
    tx.commit().await?;
    Ok(Json(game.into()))
}
