//! `GET /admin-accounts/{username}`.

use axum::{Json, extract::State};
use galaxy_http::{ApiError, ApiPath};
use tracing::instrument;

use super::{store, view::AdminAccountView};
use crate::operators::{Admin, Operators};

/// One operator's account.
#[utoipa::path(
    get,
    path = "/api/v1/admin/admin-accounts/{username}",
    tag = "Admin",
    operation_id = "get_admin_account",
    params(("username" = String, Path, description = "The account's name.")),
    responses(
        (status = 200, body = AdminAccountView, description = "The account."),
        (status = 404, body = galaxy_http::ErrorBody, description = "There is no such account.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn get_admin_account(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(username): ApiPath<String>,
) -> Result<Json<AdminAccountView>, ApiError> {
    let mut connection = operators.db.acquire().await?;
    let account = store::find(&mut connection, &username).await?;
    account
        .map(|account| Json(account.into()))
        .ok_or_else(|| ApiError::not_found("admin account"))
}
