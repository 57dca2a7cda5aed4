//! `POST /runtimes/{game_id}/stop`.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_http::{ApiError, ApiPath};
use galaxy_runtime::stop;
use serde_json::json;
use tracing::instrument;

use super::{GamePath, accept, refused, requested_by, view::OperationView};
use crate::operators::{Admin, Operators};

/// Stops the engine for a while; its state stays, and a restart brings it back.
#[utoipa::path(
    post,
    path = "/api/v1/admin/runtimes/{game_id}/stop",
    tag = "Admin",
    operation_id = "stop_runtime",
    params(("game_id" = galaxy_core::GameId, Path)),
    responses(
        (status = 202, body = OperationView, description = "The queued operation."),
        (status = 404, description = "No such game, or it was never started."),
        (status = 409, description = "`invalid_transition`: no engine runs.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %game_id))]
pub async fn stop_runtime(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(game_id): GamePath,
) -> Result<(StatusCode, Json<OperationView>), ApiError> {
    let mut tx = operators.db.begin().await?;
    let now = operators.clock.now();
    let id = stop::request(&mut tx, game_id, &requested_by(&admin), now)
        .await
        .map_err(refused)?;
    let details = json!({ "operation_id": id });
    accept(tx, &admin, "runtimes.stop", game_id, id, details).await
}
