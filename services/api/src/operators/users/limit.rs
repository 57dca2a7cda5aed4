//! `POST /users/{user_id}/limits`: sets or removes a limit.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_core::{Timestamp, UserId};
use galaxy_http::{ApiError, ApiJson, ApiPath, ErrorBody, Invalid};
use serde::Deserialize;
use serde_json::json;
use tracing::instrument;
use utoipa::ToSchema;

use super::{finish, in_future, lock};
use crate::{
    accounts::{
        internal::AccountInternal,
        model::{self, LIMIT_VALUE_MAX, LimitCode},
        store::{self, Change},
    },
    operators::{Admin, Operators},
};

/// A limit to set or remove.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitUser {
    /// Which.
    limit_code: LimitCode,
    /// What to do.
    action: LimitAction,
    /// How much, 0 to 1,000,000; for setting only.
    #[schema(example = 3, minimum = 0, maximum = 1_000_000)]
    value: Option<u32>,
    /// Why: 1 to 1,000 characters.
    #[schema(example = "Runs a league.", min_length = 1)]
    reason: String,
    /// When it ends by itself; for setting only.
    expires_at: Option<Timestamp>,
}

/// What to do with a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LimitAction {
    /// Use this value instead of the tier's.
    Set,
    /// Return to the tier's value.
    Remove,
}

/// Sets or removes a limit. What the account has beyond a lower limit stays.
#[utoipa::path(
    post,
    path = "/api/v1/admin/users/{user_id}/limits",
    tag = "Admin",
    operation_id = "limit_user",
    params(("user_id" = UserId, Path, description = "The account.")),
    request_body = LimitUser,
    responses(
        (status = 200, body = AccountInternal, description = "The account as it is now."),
        (status = 404, body = ErrorBody, description = "There is no such account."),
        (status = 409, body = ErrorBody, description = "`limit_not_set`: there is none to remove.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %user_id))]
pub async fn limit_user(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(user_id): ApiPath<UserId>,
    ApiJson(request): ApiJson<LimitUser>,
) -> Result<Json<AccountInternal>, ApiError> {
    let now = operators.clock.now();
    let reason = check(&request, now)?;
    let change = Change {
        user_id,
        code: request.limit_code,
        reason: &reason,
        actor: &admin.username,
        expires_at: request.expires_at,
    };
    let mut tx = operators.db.begin().await?;
    lock(&mut tx, user_id).await?;
    let action = match request.value {
        Some(value) => {
            store::set_limit(&mut tx, &change, value, now).await?;
            "users.limit_set"
        }
        None if store::remove_limit(&mut tx, &change, None, now).await? => "users.limit_remove",
        None => return Err(not_set()),
    };
    let details = json!({
        "limit_code": request.limit_code, "value": request.value, "expires_at": request.expires_at
    });
    finish(tx, &admin, action, user_id, details, now).await
}

fn not_set() -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        "limit_not_set",
        "This limit is not set.",
    )
}

/// Returns the reason. After this check, `value` is present exactly if the action is `set`.
fn check(request: &LimitUser, now: Timestamp) -> Result<String, ApiError> {
    let mut invalid = Invalid::default();
    let reason = invalid.check("reason", model::reason(&request.reason));
    invalid.check("expires_at", in_future(request.expires_at, now));
    match (request.action, request.value) {
        (LimitAction::Set, None) => invalid.push("value", "must be given when a limit is set"),
        (LimitAction::Set, Some(value)) if value > LIMIT_VALUE_MAX => {
            invalid.push("value", "must be 0 to 1000000");
        }
        (LimitAction::Remove, Some(_)) => {
            invalid.push("value", "must be absent when a limit is removed");
        }
        _ => {}
    }
    if request.action == LimitAction::Remove && request.expires_at.is_some() {
        invalid.push("expires_at", "must be absent when a limit is removed");
    }
    invalid.finish(reason)
}
