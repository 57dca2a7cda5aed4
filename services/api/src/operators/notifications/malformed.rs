//! `GET /notifications/malformed`.

use axum::{Json, extract::State};
use galaxy_core::Page;
use galaxy_http::{ApiError, ApiQuery};
use galaxy_notifications::list::{self, MalformedIntent};
use tracing::instrument;

use crate::{
    http::{PageQuery, list_error},
    operators::{Admin, Operators},
};

/// Intents that could not be decoded, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/admin/notifications/malformed",
    tag = "Admin",
    operation_id = "list_malformed_notifications",
    params(PageQuery),
    responses((status = 200, body = Page<MalformedIntent>, description = "A page of intents."))
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn list_malformed_notifications(
    State(operators): State<Operators>,
    admin: Admin,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<MalformedIntent>>, ApiError> {
    let limit = query.limit()?;
    list::malformed(&operators.db, query.cursor.as_deref(), limit)
        .await
        .map(Json)
        .map_err(list_error)
}
