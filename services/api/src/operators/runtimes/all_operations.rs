//! `GET /operations`: what went wrong, or takes too long, in all games.

use axum::{Json, extract::State};
use galaxy_core::Page;
use galaxy_http::{ApiError, ApiQuery};
use galaxy_runtime::operations;
use serde::Deserialize;
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};

use super::view::OperationView;
use crate::{
    http::{PageQuery, list_error},
    operators::{Admin, Operators},
};

/// Which operations need somebody.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Attention {
    /// Given up.
    Failed,
    /// Due or begun for more than five minutes, or held by a process that is gone.
    Overdue,
}

/// Which operations to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListOperations {
    /// `failed`, the newest first, or `overdue`, the oldest first.
    #[param(example = "failed")]
    status: Attention,
    /// Items a page, 1 to 200; 50 if absent.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// Operations of all games that failed, or take too long.
#[utoipa::path(
    get,
    path = "/api/v1/admin/operations",
    tag = "Admin",
    operation_id = "list_operations",
    params(ListOperations),
    responses((status = 200, body = Page<OperationView>, description = "A page of operations."))
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn list_operations(
    State(operators): State<Operators>,
    admin: Admin,
    ApiQuery(query): ApiQuery<ListOperations>,
) -> Result<Json<Page<OperationView>>, ApiError> {
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let (limit, cursor) = (page.limit()?, page.cursor.as_deref());
    let mut connection = operators.db.acquire().await?;
    let operations = match query.status {
        Attention::Failed => operations::list_failed(&mut connection, limit, cursor).await,
        Attention::Overdue => {
            let now = operators.clock.now();
            operations::list_overdue(&mut connection, now, limit, cursor).await
        }
    };
    Ok(Json(
        operations.map_err(list_error)?.map(OperationView::from),
    ))
}
