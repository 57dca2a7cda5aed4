//! `POST /runtimes/{game_id}/patch`.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_http::{ApiError, ApiJson, ApiPath};
use galaxy_runtime::patch;
use serde::Deserialize;
use serde_json::json;
use tracing::instrument;
use utoipa::ToSchema;

use super::{GamePath, accept, refused, requested_by, view::OperationView};
use crate::operators::{Admin, Operators};

/// The version to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchRuntime {
    /// An enabled version with the same major and minor number and a higher patch.
    #[schema(example = "1.0.1")]
    version: String,
}

/// Moves a game to another patch version of its engine, on the game's state.
#[utoipa::path(
    post,
    path = "/api/v1/admin/runtimes/{game_id}/patch",
    tag = "Admin",
    operation_id = "patch_runtime",
    params(("game_id" = galaxy_core::GameId, Path)),
    request_body = PatchRuntime,
    responses(
        (status = 202, body = OperationView, description = "The queued operation."),
        (status = 404, description = "No such game, or it was never started."),
        (status = 409, description = "`not_a_patch`, `no_engine_version` or `invalid_transition`.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %game_id))]
pub async fn patch_runtime(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(game_id): GamePath,
    ApiJson(request): ApiJson<PatchRuntime>,
) -> Result<(StatusCode, Json<OperationView>), ApiError> {
    let mut tx = operators.db.begin().await?;
    let (by, now) = (requested_by(&admin), operators.clock.now());
    let id = patch::request(&mut tx, game_id, &request.version, &by, now)
        .await
        .map_err(refused)?;
    let details = json!({"operation_id": id, "version": request.version});
    accept(tx, &admin, "runtimes.patch", game_id, id, details).await
}
