//! `GET /engine-versions`.

use axum::{Json, extract::State};
use galaxy_core::Page;
use galaxy_http::{ApiError, ApiQuery};
use galaxy_runtime::versions;
use tracing::instrument;

use super::view::EngineVersionView;
use crate::{
    http::PageQuery,
    operators::{Admin, Operators},
};

const LIST: &str = "engine_versions";

/// All versions, the last registered one first.
#[utoipa::path(
    get,
    path = "/api/v1/admin/engine-versions",
    tag = "Admin",
    operation_id = "list_engine_versions",
    params(PageQuery),
    responses((status = 200, body = Page<EngineVersionView>, description = "A page of versions."))
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn list_engine_versions(
    State(operators): State<Operators>,
    admin: Admin,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<EngineVersionView>>, ApiError> {
    let (limit, after) = query.read::<String>(LIST)?;
    let mut connection = operators.db.acquire().await?;
    // All are read at once since they are few; a page begins after the version that the cursor names.
    let all = versions::list(&mut connection).await?;
    let from = after.map_or(0, |after| {
        let place = all.iter().position(|version| version.id() == after);
        place.map_or(all.len(), |place| place + 1)
    });
    let rest = all.into_iter().skip(from).collect();
    let page = Page::cut(rest, limit, LIST, |version: &versions::EngineVersion| {
        version.id()
    });
    Ok(Json(page.map(EngineVersionView::from)))
}
