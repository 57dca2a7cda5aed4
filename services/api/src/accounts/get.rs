//! `GET /account`: the caller's own account.

use axum::{Json, extract::State};
use galaxy_core::UserId;
use galaxy_http::ApiError;
use sqlx::PgConnection;
use tracing::instrument;

use super::{
    Accounts, Caller, access,
    view::{AccountView, FullAccount},
};

/// Profile, settings, entitlement, active sanctions and limits of the caller.
#[utoipa::path(
    get,
    path = "/api/v1/user/account",
    tag = "User",
    operation_id = "get_account",
    responses((status = 200, body = AccountView, description = "The caller's account."))
)]
#[instrument(skip_all, fields(user_id = %caller.user_id))]
pub async fn get_account(
    State(accounts): State<Accounts>,
    caller: Caller,
) -> Result<Json<AccountView>, ApiError> {
    let mut connection = accounts.db.acquire().await?;
    caller_account(&accounts, &mut connection, caller.user_id).await
}

/// The caller's account as the response body.
pub(super) async fn caller_account(
    accounts: &Accounts,
    connection: &mut PgConnection,
    user_id: UserId,
) -> Result<Json<AccountView>, ApiError> {
    let full = FullAccount::read(connection, user_id, accounts.clock.now()).await?;
    full.filter(|full| full.account.deleted_at.is_none())
        .map(|full| Json(full.into()))
        .ok_or_else(access::unknown_user)
}
