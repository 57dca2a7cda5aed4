//! `GET /internal/users/{user_id}/account-internal`.

use axum::{Json, extract::State};
use galaxy_core::{Timestamp, UserId};
use galaxy_http::{ApiError, ApiPath, ErrorBody};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;

use super::{
    Accounts,
    view::{AccountView, FullAccount},
};

/// An account for servers and operators, also a blocked or deleted one.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AccountInternal {
    /// The account as its owner sees it.
    #[serde(flatten)]
    pub account: AccountView,
    /// Blocked for good.
    pub permanent_block: bool,
    /// When it was deleted; the personal fields are replaced then.
    pub deleted_at: Option<Timestamp>,
}

impl From<FullAccount> for AccountInternal {
    fn from(full: FullAccount) -> Self {
        Self {
            permanent_block: full.account.permanent_block,
            deleted_at: full.account.deleted_at,
            account: full.into(),
        }
    }
}

/// An account for server-to-server use.
#[utoipa::path(
    get,
    path = "/api/v1/internal/users/{user_id}/account-internal",
    tag = "Internal",
    operation_id = "get_account_internal",
    params(("user_id" = UserId, Path, description = "The account.")),
    responses(
        (status = 200, body = AccountInternal, description = "The account."),
        (status = 404, body = ErrorBody, description = "There is no such account.")
    )
)]
#[instrument(skip_all, fields(%user_id))]
pub async fn get_account_internal(
    State(accounts): State<Accounts>,
    ApiPath(user_id): ApiPath<UserId>,
) -> Result<Json<AccountInternal>, ApiError> {
    let mut connection = accounts.db.acquire().await?;
    let full = FullAccount::read(&mut connection, user_id, accounts.clock.now()).await?;
    full.map(|full| Json(full.into()))
        .ok_or_else(|| ApiError::not_found("account"))
}
