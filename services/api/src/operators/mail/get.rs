//! `GET /mail/deliveries/{delivery_id}`.

use axum::{Json, extract::State};
use galaxy_http::{ApiError, ApiPath};
use galaxy_mail::view::{self, DeliveryDetail};
use tracing::instrument;

use super::DeliveryPath;
use crate::operators::{Admin, Operators};

/// One mail with its text, unless the text is secret or erased.
#[utoipa::path(
    get,
    path = "/api/v1/admin/mail/deliveries/{delivery_id}",
    tag = "Admin",
    operation_id = "get_mail_delivery",
    params(("delivery_id" = galaxy_core::DeliveryId, Path)),
    responses(
        (status = 200, body = DeliveryDetail, description = "The delivery."),
        (status = 404, description = "No such delivery.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %delivery_id))]
pub async fn get_mail_delivery(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(delivery_id): DeliveryPath,
) -> Result<Json<DeliveryDetail>, ApiError> {
    let found = view::delivery(&operators.db, delivery_id).await?;
    found
        .map(Json)
        .ok_or_else(|| ApiError::not_found("delivery"))
}
