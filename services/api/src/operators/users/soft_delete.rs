//! `POST /users/{user_id}/soft-delete`.

use axum::{extract::State, http::StatusCode};
use galaxy_core::UserId;
use galaxy_http::{ApiError, ApiPath, ErrorBody};
use serde_json::json;
use tracing::instrument;

use crate::{
    account_lifecycle::deletion,
    operators::{Admin, Operators, audit},
};

/// Deletes an account for good, as its owner can.
#[utoipa::path(
    post,
    path = "/api/v1/admin/users/{user_id}/soft-delete",
    tag = "Admin",
    operation_id = "soft_delete_user",
    params(("user_id" = UserId, Path, description = "The account.")),
    responses(
        (status = 204, description = "The account is deleted."),
        (status = 404, body = ErrorBody, description = "There is no such account, or it is deleted already.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %user_id))]
pub async fn soft_delete_user(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(user_id): ApiPath<UserId>,
) -> Result<StatusCode, ApiError> {
    let mut tx = operators.db.begin().await?;
    let sessions = deletion::delete(&mut tx, user_id, operators.clock.now())
        .await?
        .ok_or_else(|| ApiError::not_found("account"))?;
    audit::record(
        &mut tx,
        &admin,
        "users.soft_delete",
        "user",
        user_id,
        json!({}),
    )
    .await?;
    tx.commit().await?;
    operators.sessions.forget(&sessions).await;
    Ok(StatusCode::NO_CONTENT)
}
