//! `POST /runtimes/{game_id}/force-next-turn`.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_http::{ApiError, ApiPath};
use galaxy_runtime::turn;
use serde_json::json;
use tracing::instrument;

use super::{GamePath, accept, refused, requested_by, view::OperationView};
use crate::operators::{Admin, Operators};

/// Generates a turn now; the next tick of the schedule generates none.
#[utoipa::path(
    post,
    path = "/api/v1/admin/runtimes/{game_id}/force-next-turn",
    tag = "Admin",
    operation_id = "force_next_turn",
    params(("game_id" = galaxy_core::GameId, Path)),
    responses(
        (status = 202, body = OperationView, description = "The queued operation."),
        (status = 404, description = "No such game, or it was never started."),
        (status = 409, description = "`turn_in_progress`, or `invalid_transition`: the game does not run.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %game_id))]
pub async fn force_next_turn(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(game_id): GamePath,
) -> Result<(StatusCode, Json<OperationView>), ApiError> {
    let mut tx = operators.db.begin().await?;
    let now = operators.clock.now();
    let id = turn::force_next(&mut tx, game_id, &requested_by(&admin), now)
        .await
        .map_err(refused)?;
    let details = json!({ "operation_id": id });
    accept(tx, &admin, "runtimes.force_next_turn", game_id, id, details).await
}
