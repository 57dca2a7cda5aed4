//! `GET /account`: the caller's own account.

use axum::{Json, extract::State};
use galaxy_service::http::ApiError;
use tracing::instrument;

use super::{store, view::AccountView};
use crate::{App, http::Caller};

/// Profile, settings, entitlement, active sanctions and limits of the caller.
#[utoipa::path(
    get,
    path = "/account",
    tag = "User",
    operation_id = "get_account",
    responses((status = 200, body = AccountView, description = "The caller's account."))
)]
#[instrument(skip_all, fields(user_id = %caller.user_id))]
pub async fn get_account(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<AccountView>, ApiError> {
    let mut connection = app.db.acquire().await?;
    let account = store::find(&mut connection, caller.user_id).await?;
    account
        .map(|account| Json(account.into()))
        .ok_or_else(|| ApiError::not_found("account"))
}
