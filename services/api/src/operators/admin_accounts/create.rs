//! `POST /admin-accounts`.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_http::{ApiError, ApiJson, ErrorBody, Invalid};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;

use super::{finish, store, view::AdminAccountView};
use crate::operators::{
    Admin, Operators,
    sign_in::{model, passwords},
};

/// A new operator's account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAdminAccount {
    /// 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit.
    #[schema(
        example = "ops-2",
        max_length = 64,
        pattern = "^[a-z0-9][a-z0-9._-]{0,63}$"
    )]
    username: String,
    /// 12 characters or more, at most 256 bytes.
    #[schema(example = "correct horse battery", min_length = 12, max_length = 256)]
    password: String,
}

/// Why no account is created.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("There is an admin account of this name; choose another.")]
    Taken,
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let Error::Taken = error;
        Self::new(StatusCode::CONFLICT, "username_taken", error.to_string())
    }
}

/// Creates an operator's account, enabled.
#[utoipa::path(
    post,
    path = "/api/v1/admin/admin-accounts",
    tag = "Admin",
    operation_id = "create_admin_account",
    request_body = CreateAdminAccount,
    responses(
        (status = 201, body = AdminAccountView, description = "The new account."),
        (status = 409, body = ErrorBody, description = "`username_taken`: there is an account of this name.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn create_admin_account(
    State(operators): State<Operators>,
    admin: Admin,
    ApiJson(request): ApiJson<CreateAdminAccount>,
) -> Result<(StatusCode, Json<AdminAccountView>), ApiError> {
    let mut invalid = Invalid::default();
    let name = invalid.check("username", model::check_username(&request.username));
    let password = invalid.check("password", model::check_password(&request.password));
    invalid.finish(name.and(password))?;
    let hash = passwords::hash(request.password)
        .await
        .map_err(|error| ApiError::internal(format!("{error:#}")))?;
    let username = request.username;
    let mut tx = operators.db.begin().await?;
    if !store::insert(&mut tx, &username, &hash, operators.clock.now()).await? {
        return Err(Error::Taken.into());
    }
    let account = finish(tx, &admin, "admin_accounts.create", &username).await?;
    Ok((StatusCode::CREATED, Json(account)))
}
