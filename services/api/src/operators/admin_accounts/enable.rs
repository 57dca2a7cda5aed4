//! `POST /admin-accounts/{username}/enable`.

use axum::{Json, extract::State};
use galaxy_http::{ApiError, ApiPath, ErrorBody};
use tracing::instrument;

use super::{finish, store, view::AdminAccountView};
use crate::operators::{Admin, Operators};

/// Enables a disabled operator's account; its password is unchanged.
#[utoipa::path(
    post,
    path = "/api/v1/admin/admin-accounts/{username}/enable",
    tag = "Admin",
    operation_id = "enable_admin_account",
    params(("username" = String, Path, description = "The account's name.")),
    responses(
        (status = 200, body = AdminAccountView, description = "The account, enabled."),
        (status = 404, body = ErrorBody, description = "There is no such account.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn enable_admin_account(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(username): ApiPath<String>,
) -> Result<Json<AdminAccountView>, ApiError> {
    let mut tx = operators.db.begin().await?;
    if !store::set_disabled(&mut tx, &username, None).await? {
        return Err(ApiError::not_found("admin account"));
    }
    let account = finish(tx, &admin, "admin_accounts.enable", &username).await?;
    Ok(Json(account))
}
