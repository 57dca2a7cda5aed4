//! Runtimes: what runs for each game, and what operators make it do.

mod force_next_turn;
mod get;
mod list;
mod operations;
mod patch;
mod restart;
mod view;

use axum::http::StatusCode;
use galaxy_core::{GameId, OperationId, RuntimeStatus};
use galaxy_http::ApiError;
use galaxy_store::Tx;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::operators::Operators;

pub(super) fn router() -> OpenApiRouter<Operators> {
    OpenApiRouter::new()
        .routes(routes!(list::list_runtimes))
        .routes(routes!(get::get_runtime))
        .routes(routes!(operations::list_runtime_operations))
        .routes(routes!(restart::restart_runtime))
        .routes(routes!(patch::patch_runtime))
        .routes(routes!(force_next_turn::force_next_turn))
}

fn not_found() -> ApiError {
    ApiError::not_found("runtime; the game was never started")
}

/// 409 that names the state which stands against it.
fn wrong_status(status: RuntimeStatus) -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        "invalid_transition",
        format!("The runtime is {status}; this is not possible now."),
    )
}

/// The operation that was just queued, as it is shown.
async fn queued(tx: &mut Tx, id: OperationId) -> Result<view::OperationView, ApiError> {
    let operation = galaxy_runtime::operations::get(tx, id).await?;
    operation
        .map(view::OperationView::from)
        .ok_or_else(|| ApiError::internal("a queued operation is not there"))
}

fn requested_by(admin: &crate::operators::Admin) -> String {
    format!("admin:{}", admin.username)
}

/// What the audit log says of an operation.
fn details(id: OperationId) -> serde_json::Value {
    serde_json::json!({ "operation_id": id })
}

/// A game in a path.
type GamePath = galaxy_http::ApiPath<GameId>;
