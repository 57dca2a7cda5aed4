//! `GET /runtimes`.

use axum::{Json, extract::State};
use galaxy_core::{Page, RuntimeStatus};
use galaxy_http::{ApiError, ApiQuery};
use galaxy_runtime::records;
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use super::view::RuntimeView;
use crate::{
    http::{PageQuery, list_error},
    operators::{Admin, Operators},
};

/// Which runtimes to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListRuntimes {
    /// Only those in this state.
    #[param(value_type = Option<String>, example = "running")]
    status: Option<RuntimeStatus>,
    /// Items a page, 1 to 200; 50 if absent.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// The runtimes of all games that were ever started, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/admin/runtimes",
    tag = "Admin",
    operation_id = "list_runtimes",
    params(ListRuntimes),
    responses((status = 200, body = Page<RuntimeView>, description = "A page of runtimes."))
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn list_runtimes(
    State(operators): State<Operators>,
    admin: Admin,
    ApiQuery(query): ApiQuery<ListRuntimes>,
) -> Result<Json<Page<RuntimeView>>, ApiError> {
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let mut connection = operators.db.acquire().await?;
    let cursor = page.cursor.as_deref();
    let records = records::list(&mut connection, query.status, page.limit()?, cursor)
        .await
        .map_err(list_error)?;
    Ok(Json(records.map(RuntimeView::from)))
}
