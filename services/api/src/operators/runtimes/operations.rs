//! `GET /runtimes/{game_id}/operations`.

use axum::{Json, extract::State};
use galaxy_core::Page;
use galaxy_http::{ApiError, ApiPath, ApiQuery};
use galaxy_runtime::operations;
use tracing::instrument;

use super::{GamePath, view::OperationView};
use crate::{
    http::{PageQuery, list_error},
    operators::{Admin, Operators},
};

/// The ended, running and queued operations on a game's engine, the newest first; empty if it was never started.
#[utoipa::path(
    get,
    path = "/api/v1/admin/runtimes/{game_id}/operations",
    tag = "Admin",
    operation_id = "list_runtime_operations",
    params(("game_id" = galaxy_core::GameId, Path), PageQuery),
    responses((status = 200, body = Page<OperationView>, description = "A page of operations."))
)]
#[instrument(skip_all, fields(admin = %admin.username, %game_id))]
pub async fn list_runtime_operations(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(game_id): GamePath,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<OperationView>>, ApiError> {
    let limit = query.limit()?;
    let mut connection = operators.db.acquire().await?;
    let page = operations::list(&mut connection, game_id, limit, query.cursor.as_deref())
        .await
        .map_err(list_error)?;
    Ok(Json(page.map(OperationView::from)))
}
