//! `POST /games/{game_id}/resume`: an operator lets turns go on.

use axum::{Json, extract::State};
use galaxy_core::GameId;
use galaxy_events::catalogue::lobby::GameResumed;
use galaxy_http::ApiPath;
use tracing::instrument;

use super::{conclude, lock};
use crate::{
    lobby::{events, refusal::Error, runtime, store, view::GameView},
    operators::{Admin, Operators},
};

/// Lets the turns of a paused game go on, also of one whose owner left; the next turn is the next tick of the schedule.
#[utoipa::path(
    post,
    path = "/api/v1/admin/games/{game_id}/resume",
    tag = "Admin",
    operation_id = "resume_any_game",
    params(("game_id" = GameId, Path)),
    responses(
        (status = 200, body = GameView, description = "The game."),
        (status = 404, description = "No such game."),
        (status = 409, description = "`invalid_transition`, or `runtime_not_ready`.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %game_id))]
pub async fn resume_any_game(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(game_id): ApiPath<GameId>,
) -> Result<Json<GameView>, Error> {
    let now = operators.clock.now();
    let mut tx = operators.db.begin().await?;
    let mut game = lock(&mut tx, game_id).await?;
    runtime::resume(&mut tx, &mut game, now).await?;
    store::games::save(&mut tx, &mut game, now).await?;
    events::game(&mut tx, &game, |roster| GameResumed { roster }).await?;
    conclude(tx, &admin, "games.resume", game).await
}
