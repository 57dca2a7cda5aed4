//! `POST /runtimes/{game_id}/restart`.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_http::{ApiError, ApiPath};
use galaxy_runtime::restart;
use serde_json::json;
use tracing::instrument;

use super::{GamePath, accept, refused, requested_by, view::OperationView};
use crate::operators::{Admin, Operators};

/// Stops the engine and starts it again on the game's state.
#[utoipa::path(
    post,
    path = "/api/v1/admin/runtimes/{game_id}/restart",
    tag = "Admin",
    operation_id = "restart_runtime",
    params(("game_id" = galaxy_core::GameId, Path)),
    responses(
        (status = 202, body = OperationView, description = "The queued operation."),
        (status = 404, description = "No such game, or it was never started."),
        (status = 409, description = "`invalid_transition`: the game has ended, or its engine never started.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %game_id))]
pub async fn restart_runtime(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(game_id): GamePath,
) -> Result<(StatusCode, Json<OperationView>), ApiError> {
    let mut tx = operators.db.begin().await?;
    let now = operators.clock.now();
    let id = restart::request(&mut tx, game_id, &requested_by(&admin), now)
        .await
        .map_err(refused)?;
    let details = json!({ "operation_id": id });
    accept(tx, &admin, "runtimes.restart", game_id, id, details).await
}
