//! `POST /games/{game_id}/force-start`: an operator starts a game, without its minimum of players.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_core::GameId;
use galaxy_http::ApiPath;
use tracing::instrument;

use super::{conclude, lock};
use crate::{
    lobby::{model::Action, refusal::Error, runtime, view::GameView},
    operators::{Admin, Operators},
};

/// Starts an enrolling or ready game, or one whose start failed, with the players it has.
#[utoipa::path(
    post,
    path = "/api/v1/admin/games/{game_id}/force-start",
    tag = "Admin",
    operation_id = "force_start",
    params(("game_id" = GameId, Path)),
    responses(
        (status = 202, body = GameView, description = "The game, starting."),
        (status = 404, description = "No such game."),
        (status = 409, description = "`invalid_transition`, `empty_roster`, `no_engine_version`, `player_limits` or `options_invalid`.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %game_id))]
pub async fn force_start(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(game_id): ApiPath<GameId>,
) -> Result<(StatusCode, Json<GameView>), Error> {
    let now = operators.clock.now();
    let mut tx = operators.db.begin().await?;
    let mut game = lock(&mut tx, game_id).await?;
    let by = format!("admin:{}", admin.username);
    runtime::start(&mut tx, &mut game, Action::ForceStart, by, now).await?;
    let view = conclude(tx, &admin, "games.force_start", game).await?;
    Ok((StatusCode::ACCEPTED, view))
}
