//! Checks that other domains make before they let an account do something.
//!
//! Check in the transaction of the change: the account's row stays locked against sanctions and deletion until the commit.

use axum::http::StatusCode;
use galaxy_core::{Timestamp, UserId};
use galaxy_http::ApiError;
use sqlx::PgConnection;

use super::{
    model::{Action, LimitCode, SanctionCode},
    store,
};

/// Why an account is not allowed to do something.
#[derive(Debug, thiserror::Error)]
pub enum NotAllowed {
    /// It does not exist or is deleted.
    #[error("there is no such account")]
    Unknown,
    /// An active sanction forbids it.
    #[error("forbidden by {}", .0.as_str())]
    Sanctioned(SanctionCode),
    #[error(transparent)]
    Store(#[from] galaxy_store::Error),
}

/// `Ok` if `user_id` exists and no active sanction forbids `action`.
pub async fn ensure_may(
    connection: &mut PgConnection,
    user_id: UserId,
    action: Action,
    now: Timestamp,
) -> Result<(), NotAllowed> {
    // The lock is a statement of its own, so that the next one sees what was committed during the wait.
    if !store::lock_for_use(connection, user_id).await? {
        return Err(NotAllowed::Unknown);
    }
    let active = store::active_sanction_codes(connection, user_id, now).await?;
    match action.forbidden_among(&active) {
        Some(code) => Err(NotAllowed::Sanctioned(code)),
        None => Ok(()),
    }
}

/// The value of `limit` that is in force for the account.
///
/// To count against it safely, first take [`store::lock_for_count`], which serialises the counts of this account.
pub async fn effective_limit(
    connection: &mut PgConnection,
    user_id: UserId,
    limit: LimitCode,
    now: Timestamp,
) -> galaxy_store::Result<u32> {
    let (entitlement, set) = store::entitlement_and_limit(connection, user_id, limit, now).await?;
    Ok(entitlement.at(now).effective_limit(limit, set))
}

impl From<NotAllowed> for ApiError {
    fn from(error: NotAllowed) -> Self {
        match error {
            NotAllowed::Unknown => unknown_user(),
            NotAllowed::Sanctioned(code) => forbidden(code),
            NotAllowed::Store(error) => error.into(),
        }
    }
}

/// 401 `unknown_user`.
pub fn unknown_user() -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "unknown_user",
        "There is no such account; sign in again.",
    )
}

/// 403 with the sanction's own code.
pub fn forbidden(code: SanctionCode) -> ApiError {
    let (error, message) = match code {
        SanctionCode::LoginBlock => ("login_blocked", "This account may not sign in at present."),
        SanctionCode::GameCreateBlock => (
            "game_create_blocked",
            "This account may not create games at present.",
        ),
        SanctionCode::GameManageBlock => (
            "game_manage_blocked",
            "This account may not manage its games at present.",
        ),
        SanctionCode::GameJoinBlock => (
            "game_join_blocked",
            "This account may not join games at present.",
        ),
        SanctionCode::ProfileUpdateBlock => (
            "profile_update_blocked",
            "This account may not change its profile at present.",
        ),
        SanctionCode::PermanentBlock => ("account_blocked", "This account is blocked for good."),
    };
    ApiError::new(StatusCode::FORBIDDEN, error, message)
}
