//! `POST /runtimes/{game_id}/take-engine-turn`.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_http::{ApiError, ApiPath};
use galaxy_runtime::turn;
use serde_json::json;
use tracing::instrument;

use super::{GamePath, accept, refused, requested_by, view::OperationView};
use crate::operators::{Admin, Operators};

/// Makes the turn that the engine is on the game's: for an engine that is ahead of the record, or behind it.
#[utoipa::path(
    post,
    path = "/api/v1/admin/runtimes/{game_id}/take-engine-turn",
    tag = "Admin",
    operation_id = "take_engine_turn",
    params(("game_id" = galaxy_core::GameId, Path)),
    responses(
        (status = 202, body = OperationView, description = "The queued operation."),
        (status = 404, description = "No such game, or it was never started."),
        (status = 409, description = "`turn_in_progress`, or `invalid_transition`: no engine runs, or the game is over.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %game_id))]
pub async fn take_engine_turn(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(game_id): GamePath,
) -> Result<(StatusCode, Json<OperationView>), ApiError> {
    let mut tx = operators.db.begin().await?;
    let now = operators.clock.now();
    let id = turn::take_engines(&mut tx, game_id, &requested_by(&admin), now)
        .await
        .map_err(refused)?;
    let details = json!({ "operation_id": id });
    accept(
        tx,
        &admin,
        "runtimes.take_engine_turn",
        game_id,
        id,
        details,
    )
    .await
}
