//! `GET /mail/deliveries/{delivery_id}/attempts`.

use axum::{Json, extract::State};
use galaxy_core::Page;
use galaxy_http::{ApiError, ApiPath, ApiQuery};
use galaxy_mail::view::{self, Attempt};
use tracing::instrument;

use super::DeliveryPath;
use crate::{
    http::{PageQuery, list_error},
    operators::{Admin, Operators},
};

/// The attempts to deliver a mail, the first one first; empty if there is no such delivery.
#[utoipa::path(
    get,
    path = "/api/v1/admin/mail/deliveries/{delivery_id}/attempts",
    tag = "Admin",
    operation_id = "list_mail_attempts",
    params(("delivery_id" = galaxy_core::DeliveryId, Path), PageQuery),
    responses((status = 200, body = Page<Attempt>, description = "A page of attempts."))
)]
#[instrument(skip_all, fields(admin = %admin.username, %delivery_id))]
pub async fn list_mail_attempts(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(delivery_id): DeliveryPath,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<Attempt>>, ApiError> {
    let limit = query.limit()?;
    view::attempts(&operators.db, delivery_id, query.cursor.as_deref(), limit)
        .await
        .map(Json)
        .map_err(list_error)
}
