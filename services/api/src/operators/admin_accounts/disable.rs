//! `POST /admin-accounts/{username}/disable`.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_http::{ApiError, ApiPath, ErrorBody};
use tracing::instrument;

use super::{finish, store, view::AdminAccountView};
use crate::operators::{Admin, Operators};

/// Why an account is not disabled.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("There is no such admin account.")]
    Unknown,
    #[error("This is the last enabled admin account; enable or create another one first.")]
    LastEnabled,
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Unknown => Self::not_found("admin account"),
            Error::LastEnabled => Self::new(
                StatusCode::CONFLICT,
                "last_enabled_admin",
                error.to_string(),
            ),
        }
    }
}

/// Disables an operator's account at once, on every replica. Disabling a disabled one changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/admin/admin-accounts/{username}/disable",
    tag = "Admin",
    operation_id = "disable_admin_account",
    params(("username" = String, Path, description = "The account's name.")),
    responses(
        (status = 200, body = AdminAccountView, description = "The account, disabled."),
        (status = 404, body = ErrorBody, description = "There is no such account."),
        (status = 409, body = ErrorBody, description = "`last_enabled_admin`: no operator could sign in any more.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn disable_admin_account(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(username): ApiPath<String>,
) -> Result<Json<AdminAccountView>, ApiError> {
    let mut tx = operators.db.begin().await?;
    let enabled = store::lock_enabled(&mut tx).await?;
    if enabled == [username.clone()] {
        return Err(Error::LastEnabled.into());
    }
    if !store::set_disabled(&mut tx, &username, Some(operators.clock.now())).await? {
        return Err(Error::Unknown.into());
    }
    let account = finish(tx, &admin, "admin_accounts.disable", &username).await?;
    operators.credentials.forget().await;
    Ok(Json(account))
}
