//! `POST /notifications/dead-letters/{dead_letter_id}/replay`.

use axum::{extract::State, http::StatusCode};
use galaxy_http::{ApiError, ApiPath};
use galaxy_notifications::dead_letters::{self, ReplayError};
use serde_json::json;
use tracing::instrument;
use uuid::Uuid;

use crate::operators::{Admin, Operators, audit};

/// Tries a given-up route again.
#[utoipa::path(
    post,
    path = "/api/v1/admin/notifications/dead-letters/{dead_letter_id}/replay",
    tag = "Admin",
    operation_id = "replay_notification_dead_letter",
    params(("dead_letter_id" = Uuid, Path)),
    responses(
        (status = 204, description = "It is due again."),
        (status = 404, description = "No such dead letter."),
        (status = 409, description = "`already_replayed`.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %dead_letter_id))]
pub async fn replay_notification_dead_letter(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(dead_letter_id): ApiPath<Uuid>,
) -> Result<StatusCode, ApiError> {
    let mut tx = operators.db.begin().await?;
    dead_letters::replay(&mut tx, dead_letter_id)
        .await
        .map_err(refused)?;
    let (action, kind) = ("notifications.replay", "notification_dead_letter");
    audit::record(&mut tx, &admin, action, kind, dead_letter_id, json!({})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn refused(error: ReplayError) -> ApiError {
    match error {
        ReplayError::NotFound => ApiError::not_found("dead letter"),
        ReplayError::Replayed => ApiError::new(
            StatusCode::CONFLICT,
            "already_replayed",
            "This dead letter was replayed already.",
        ),
        ReplayError::Store(error) => error.into(),
    }
}
