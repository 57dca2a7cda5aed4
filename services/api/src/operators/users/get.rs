//! `GET /users/{user_id}`: an account with its history.

use axum::{Json, extract::State};
use galaxy_core::UserId;
use galaxy_http::{ApiError, ApiPath, ErrorBody};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;

use super::read;
use crate::{
    accounts::{
        history::{EntitlementEntry, LimitEntry, SanctionEntry},
        internal::AccountInternal,
        store,
    },
    operators::{Admin, Operators},
};

/// The most records of each kind in a response.
const HISTORY: i64 = 200;

/// An account with its history, the newest change first, at most 200 of each kind.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UserDetails {
    /// The account as it is now.
    #[serde(flatten)]
    pub account: AccountInternal,
    /// Changes of the tier.
    pub entitlement_history: Vec<EntitlementEntry>,
    /// Sanctions applied and removed.
    pub sanction_history: Vec<SanctionEntry>,
    /// Limits set and removed.
    pub limit_history: Vec<LimitEntry>,
}

/// An account and its history; also a blocked or deleted one.
#[utoipa::path(
    get,
    path = "/api/v1/admin/users/{user_id}",
    tag = "Admin",
    operation_id = "get_user",
    params(("user_id" = UserId, Path, description = "The account.")),
    responses(
        (status = 200, body = UserDetails, description = "The account and its history."),
        (status = 404, body = ErrorBody, description = "There is no such account.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %user_id))]
pub async fn get_user(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(user_id): ApiPath<UserId>,
) -> Result<Json<UserDetails>, ApiError> {
    let mut connection = operators.db.acquire().await?;
    let account = read(&mut connection, user_id, operators.clock.now()).await?;
    Ok(Json(UserDetails {
        account,
        entitlement_history: store::entitlement_history(&mut connection, user_id, HISTORY).await?,
        sanction_history: store::sanction_history(&mut connection, user_id, HISTORY).await?,
        limit_history: store::limit_history(&mut connection, user_id, HISTORY).await?,
    }))
}
