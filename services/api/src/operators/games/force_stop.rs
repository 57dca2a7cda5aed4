//! `POST /games/{game_id}/force-stop`: an operator ends a game for good.

use axum::{Json, extract::State};
use galaxy_core::GameId;
use galaxy_http::ApiPath;
use tracing::instrument;

use super::{conclude, lock};
use crate::{
    lobby::{finish, model::Action, refusal::Error, runtime, store, view::GameView},
    operators::{Admin, Operators},
};

/// Finishes a starting, running or paused game with its current result: capable players earn their race names, and the
/// engine is removed.
#[utoipa::path(
    post,
    path = "/api/v1/admin/games/{game_id}/force-stop",
    tag = "Admin",
    operation_id = "force_stop",
    params(("game_id" = GameId, Path)),
    responses(
        (status = 200, body = GameView, description = "The game, finished."),
        (status = 404, description = "No such game."),
        (status = 409, description = "`invalid_transition`: the game is not running.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %game_id))]
pub async fn force_stop(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(game_id): ApiPath<GameId>,
) -> Result<Json<GameView>, Error> {
    let now = operators.clock.now();
    let mut tx = operators.db.begin().await?;
    let mut game = lock(&mut tx, game_id).await?;
    let players = store::games::snapshot_players(&mut tx, game_id).await?;
    finish::finish(&mut tx, &mut game, Action::ForceStop, &players, now).await?;
    let by = format!("admin:{}", admin.username);
    runtime::end(&mut tx, game_id, &by, now).await?;
    conclude(tx, &admin, "games.force_stop", game).await
}
