//! `POST /mail/deliveries/{delivery_id}/resend`.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_http::{ApiError, ApiPath};
use galaxy_mail::{
    ResendError, resend,
    view::{self, DeliveryDetail},
};
use serde_json::json;
use tracing::instrument;

use super::DeliveryPath;
use crate::operators::{Admin, Operators, audit};

/// Sends a mail again whose delivery has ended, as a new delivery linked to the old one.
#[utoipa::path(
    post,
    path = "/api/v1/admin/mail/deliveries/{delivery_id}/resend",
    tag = "Admin",
    operation_id = "resend_mail",
    params(("delivery_id" = galaxy_core::DeliveryId, Path)),
    responses(
        (status = 201, body = DeliveryDetail, description = "The new delivery."),
        (status = 404, description = "No such delivery."),
        (status = 409, description = "`still_open`: its delivery has not ended; `text_erased`: its text was erased.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %delivery_id))]
pub async fn resend_mail(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(delivery_id): DeliveryPath,
) -> Result<(StatusCode, Json<DeliveryDetail>), ApiError> {
    let mut tx = operators.db.begin().await?;
    let new = resend(&mut tx, delivery_id).await.map_err(refused)?;
    let details = json!({"new_delivery_id": new});
    audit::record(
        &mut tx,
        &admin,
        "mail.resend",
        "mail_delivery",
        delivery_id,
        details,
    )
    .await?;
    tx.commit().await?;
    let made = view::delivery(&operators.db, new).await?;
    made.map(|delivery| (StatusCode::CREATED, Json(delivery)))
        .ok_or_else(|| ApiError::internal("the new delivery does not exist"))
}

fn refused(error: ResendError) -> ApiError {
    let code = match error {
        ResendError::NotFound => return ApiError::not_found("delivery"),
        ResendError::StillOpen => "still_open",
        ResendError::Erased => "text_erased",
        ResendError::Store(error) => return error.into(),
    };
    ApiError::new(
        StatusCode::CONFLICT,
        code,
        format!("Not sent again: {error}."),
    )
}
