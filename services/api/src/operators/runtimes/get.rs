//! `GET /runtimes/{game_id}`.

use axum::{Json, extract::State};
use galaxy_http::{ApiError, ApiPath};
use galaxy_runtime::records;
use tracing::instrument;

use super::{GamePath, not_found, view::RuntimeView};
use crate::operators::{Admin, Operators};

/// The runtime of a game.
#[utoipa::path(
    get,
    path = "/api/v1/admin/runtimes/{game_id}",
    tag = "Admin",
    operation_id = "get_runtime",
    params(("game_id" = galaxy_core::GameId, Path)),
    responses(
        (status = 200, body = RuntimeView, description = "The runtime."),
        (status = 404, description = "No such game, or it was never started.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %game_id))]
pub async fn get_runtime(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(game_id): GamePath,
) -> Result<Json<RuntimeView>, ApiError> {
    let mut connection = operators.db.acquire().await?;
    let record = records::get(&mut connection, game_id).await?;
    record
        .map(|record| Json(record.into()))
        .ok_or_else(not_found)
}
