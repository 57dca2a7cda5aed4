//! `GET /notifications/{notification_id}`.

use axum::{Json, extract::State};
use galaxy_core::NotificationId;
use galaxy_http::{ApiError, ApiPath};
use galaxy_notifications::list::{self, NotificationDetail};
use tracing::instrument;

use crate::operators::{Admin, Operators};

/// One notification with its routes.
#[utoipa::path(
    get,
    path = "/api/v1/admin/notifications/{notification_id}",
    tag = "Admin",
    operation_id = "get_notification",
    params(("notification_id" = NotificationId, Path)),
    responses(
        (status = 200, body = NotificationDetail, description = "The notification."),
        (status = 404, description = "No such notification.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %notification_id))]
pub async fn get_notification(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(notification_id): ApiPath<NotificationId>,
) -> Result<Json<NotificationDetail>, ApiError> {
    let found = list::notification(&operators.db, notification_id).await?;
    found
        .map(Json)
        .ok_or_else(|| ApiError::not_found("notification"))
}
