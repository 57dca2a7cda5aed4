//! `POST /runtimes/{game_id}/operations/{operation_id}/cancel`.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_core::{GameId, OperationId};
use galaxy_http::{ApiError, ApiPath};
use galaxy_runtime::operations::{self, CancelOne};
use serde::Deserialize;
use serde_json::json;
use tracing::instrument;

use super::view::OperationView;
use crate::operators::{Admin, Operators, audit};

#[derive(Deserialize)]
pub(super) struct OperationPath {
    game_id: GameId,
    operation_id: OperationId,
}

/// Takes back an operation that is queued or parked. A start, restart or patch that has begun is undone first.
#[utoipa::path(
    post,
    path = "/api/v1/admin/runtimes/{game_id}/operations/{operation_id}/cancel",
    tag = "Admin",
    operation_id = "cancel_runtime_operation",
    params(("game_id" = GameId, Path), ("operation_id" = OperationId, Path)),
    responses(
        (status = 200, body = OperationView, description = "The operation: cancelled, or queued to be undone."),
        (status = 404, description = "The game has no such operation."),
        (status = 409, description = "`invalid_transition`: a process works on it, it is over, or it removes the engine of a game that is over.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, game_id = %path.game_id, operation_id = %path.operation_id))]
pub async fn cancel_runtime_operation(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(path): ApiPath<OperationPath>,
) -> Result<Json<OperationView>, ApiError> {
    let OperationPath {
        game_id,
        operation_id: id,
    } = path;
    let missing = || ApiError::not_found("operation of the game");
    let mut tx = operators.db.begin().await?;
    match operations::cancel_one(&mut tx, game_id, id, operators.clock.now()).await? {
        CancelOne::Cancelled | CancelOne::Withdrawn => {}
        CancelOne::NotFound => return Err(missing()),
        CancelOne::Removal => {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "invalid_transition",
                "The game is over and its engine is to be removed; this cannot be cancelled.",
            ));
        }
        CancelOne::NotWaiting(status) => {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "invalid_transition",
                format!(
                    "The operation is {status}; only one that is queued or parked can be cancelled."
                ),
            ));
        }
    }
    let details = json!({ "operation_id": id });
    let action = "runtimes.cancel_operation";
    audit::record(&mut tx, &admin, action, "game", game_id, details).await?;
    let operation = operations::get(&mut tx, id).await?.ok_or_else(missing)?;
    tx.commit().await?;
    Ok(Json(operation.into()))
}
