//! Runtimes of games, and the operations that operators request on them.

mod all_operations;
mod cancel_operation;
mod force_next_turn;
mod get;
mod health;
mod list;
mod logs;
mod operations;
mod patch;
mod restart;
mod retry_turn;
mod stop;
mod take_engine_turn;
mod view;
mod why;

use axum::{Json, http::StatusCode};
use galaxy_core::{GameId, OperationId};
use galaxy_http::{ApiError, ApiPath};
use galaxy_runtime::RequestError;
use galaxy_store::Tx;
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::view::OperationView;
use crate::operators::{Admin, Operators, audit};

pub(super) fn router() -> OpenApiRouter<Operators> {
    OpenApiRouter::new()
        .routes(routes!(list::list_runtimes))
        .routes(routes!(get::get_runtime))
        .routes(routes!(operations::list_runtime_operations))
        .routes(routes!(restart::restart_runtime))
        .routes(routes!(patch::patch_runtime))
        .routes(routes!(force_next_turn::force_next_turn))
        .routes(routes!(retry_turn::retry_turn))
        .routes(routes!(take_engine_turn::take_engine_turn))
        .routes(routes!(stop::stop_runtime))
        .routes(routes!(cancel_operation::cancel_runtime_operation))
        .routes(routes!(why::explain_runtime))
        .routes(routes!(health::list_runtime_health))
        .routes(routes!(logs::read_runtime_logs))
        .routes(routes!(all_operations::list_operations))
}

fn not_found() -> ApiError {
    ApiError::not_found("runtime; the game was never started")
}

/// The response to a request that the runtime does not allow.
fn refused(error: RequestError) -> ApiError {
    let conflict = |code, message: String| ApiError::new(StatusCode::CONFLICT, code, message);
    match error {
        RequestError::NotFound => not_found(),
        RequestError::WrongStatus(status) => conflict(
            "invalid_transition",
            format!("The runtime is {status}; this is not possible now."),
        ),
        RequestError::TurnInProgress => conflict(
            "turn_in_progress",
            "A turn is being generated, or waits to be.".to_owned(),
        ),
        RequestError::NoEngineVersion(_) => conflict(
            "no_engine_version",
            "The version is unknown or disabled.".to_owned(),
        ),
        // A start alone asks this of a version; it is the lobby's.
        error @ (RequestError::PlayerLimits { .. } | RequestError::Options { .. }) => {
            ApiError::internal(error)
        }
        RequestError::NotAPatch { from, .. } => conflict(
            "not_a_patch",
            format!(
                "The game runs {from}; a patch has the same major and minor version and a higher patch."
            ),
        ),
        RequestError::Schedule(error) => {
            conflict("invalid_schedule", format!("The turn schedule {error}."))
        }
        RequestError::Store(error) => error.into(),
    }
}

fn requested_by(admin: &Admin) -> String {
    format!("admin:{}", admin.username)
}

/// Adds the audit entry for the operation that was just queued, commits, and returns 202 with the operation.
async fn accept(
    mut tx: Tx,
    admin: &Admin,
    action: &str,
    game_id: GameId,
    id: OperationId,
    details: Value,
) -> Result<(StatusCode, Json<OperationView>), ApiError> {
    audit::record(&mut tx, admin, action, "game", game_id, details).await?;
    let operation = galaxy_runtime::operations::get(&mut tx, id)
        .await?
        .ok_or_else(|| ApiError::internal("the queued operation does not exist"))?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(operation.into())))
}

type GamePath = ApiPath<GameId>;
