//! `POST /admin-accounts/{username}/reset-password`.

use axum::{extract::State, http::StatusCode};
use galaxy_http::{ApiError, ApiJson, ApiPath, ErrorBody, Invalid};
use serde::Deserialize;
use serde_json::json;
use tracing::instrument;
use utoipa::ToSchema;

use super::store;
use crate::operators::{
    Admin, Operators, audit,
    sign_in::{model, passwords},
};

/// The new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetAdminPassword {
    /// 12 characters or more, at most 256 bytes.
    #[schema(example = "correct horse battery", min_length = 12, max_length = 256)]
    password: String,
}

/// Replaces the password; the old one is refused at once, on every replica.
#[utoipa::path(
    post,
    path = "/api/v1/admin/admin-accounts/{username}/reset-password",
    tag = "Admin",
    operation_id = "reset_admin_password",
    params(("username" = String, Path, description = "The account's name.")),
    request_body = ResetAdminPassword,
    responses(
        (status = 204, description = "The password is set."),
        (status = 404, body = ErrorBody, description = "There is no such account.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn reset_admin_password(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(username): ApiPath<String>,
    ApiJson(request): ApiJson<ResetAdminPassword>,
) -> Result<StatusCode, ApiError> {
    let mut invalid = Invalid::default();
    let checked = invalid.check("password", model::check_password(&request.password));
    invalid.finish(checked)?;
    let hash = passwords::hash(request.password)
        .await
        .map_err(|error| ApiError::internal(format!("{error:#}")))?;
    let mut tx = operators.db.begin().await?;
    if !store::set_password(&mut tx, &username, &hash, operators.clock.now()).await? {
        return Err(ApiError::not_found("admin account"));
    }
    audit::record(
        &mut tx,
        &admin,
        "admin_accounts.reset_password",
        "admin_account",
        &username,
        json!({}),
    )
    .await?;
    tx.commit().await?;
    operators.credentials.forget().await;
    Ok(StatusCode::NO_CONTENT)
}
