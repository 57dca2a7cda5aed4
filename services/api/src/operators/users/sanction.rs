//! `POST /users/{user_id}/sanctions`: applies or removes a sanction.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_core::{Timestamp, UserId};
use galaxy_http::{ApiError, ApiJson, ApiPath, ErrorBody, Invalid};
use serde::Deserialize;
use serde_json::json;
use tracing::instrument;
use utoipa::ToSchema;

use super::{finish, in_future, lock};
use crate::{
    account_lifecycle::sanction,
    accounts::{
        internal::AccountInternal,
        model::{self, SanctionCode},
        store::Change,
    },
    operators::{Admin, Operators},
};

/// A sanction to apply or remove.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SanctionUser {
    /// Which.
    sanction_code: SanctionCode,
    /// What to do.
    action: SanctionAction,
    /// Why: 1 to 1,000 characters.
    #[schema(example = "Abusive messages.", min_length = 1)]
    reason: String,
    /// When it ends by itself; for applying, and not for `permanent_block`.
    expires_at: Option<Timestamp>,
}

/// What to do with a sanction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SanctionAction {
    /// An active one gets the new reason and end.
    Apply,
    Remove,
}

/// Applies or removes a sanction. `login_block` and `permanent_block` end all sessions at once; a permanent block also
/// blocks the address and releases everything in the lobby.
#[utoipa::path(
    post,
    path = "/api/v1/admin/users/{user_id}/sanctions",
    tag = "Admin",
    operation_id = "sanction_user",
    params(("user_id" = UserId, Path, description = "The account.")),
    request_body = SanctionUser,
    responses(
        (status = 200, body = AccountInternal, description = "The account as it is now."),
        (status = 404, body = ErrorBody, description = "There is no such account."),
        (status = 409, body = ErrorBody, description = "`sanction_not_active`: there is none to remove.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %user_id))]
pub async fn sanction_user(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(user_id): ApiPath<UserId>,
    ApiJson(request): ApiJson<SanctionUser>,
) -> Result<Json<AccountInternal>, ApiError> {
    let now = operators.clock.now();
    let reason = check(&request, now)?;
    let change = Change {
        user_id,
        code: request.sanction_code,
        reason: &reason,
        actor: &admin.username,
        expires_at: request.expires_at,
    };
    let mut tx = operators.db.begin().await?;
    let email = lock(&mut tx, user_id).await?;
    let mut ended = vec![];
    let action = match request.action {
        SanctionAction::Apply => {
            ended = sanction::apply(&mut tx, &change, &email, now).await?;
            "users.sanction_apply"
        }
        SanctionAction::Remove => {
            if !sanction::remove(&mut tx, &change, &email, None, now).await? {
                return Err(not_active());
            }
            "users.sanction_remove"
        }
    };
    let details =
        json!({ "sanction_code": request.sanction_code, "expires_at": request.expires_at });
    let account = finish(tx, &admin, action, user_id, details, now).await?;
    operators.sessions.forget(&ended).await;
    Ok(account)
}

fn not_active() -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        "sanction_not_active",
        "This sanction is not active.",
    )
}

fn check(request: &SanctionUser, now: Timestamp) -> Result<String, ApiError> {
    let mut invalid = Invalid::default();
    let reason = invalid.check("reason", model::reason(&request.reason));
    invalid.check("expires_at", in_future(request.expires_at, now));
    if request.expires_at.is_some() {
        if request.action == SanctionAction::Remove {
            invalid.push("expires_at", "must be absent when a sanction is removed");
        } else if request.sanction_code == SanctionCode::PermanentBlock {
            invalid.push(
                "expires_at",
                "must be absent: a permanent block does not end",
            );
        }
    }
    invalid.finish(reason)
}
