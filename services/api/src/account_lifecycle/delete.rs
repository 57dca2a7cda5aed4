//! `POST /account/delete`.

use axum::{extract::State, http::StatusCode};
use galaxy_http::ApiError;
use tracing::instrument;

use super::{AccountLifecycle, deletion};
use crate::accounts::{Caller, access};

/// Deletes the caller's account for good: its sessions end, its games and race names are released, its address can be used
/// again.
#[utoipa::path(
    post,
    path = "/api/v1/user/account/delete",
    tag = "User",
    operation_id = "delete_account",
    responses((status = 204, description = "The account is deleted."))
)]
#[instrument(skip_all, fields(user_id = %caller.user_id))]
pub async fn delete_account(
    State(lifecycle): State<AccountLifecycle>,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    let mut tx = lifecycle.db.begin().await?;
    let sessions = deletion::delete(&mut tx, caller.user_id, lifecycle.clock.now())
        .await?
        .ok_or_else(access::unknown_user)?;
    tx.commit().await?;
    lifecycle.sessions.forget(&sessions).await;
    Ok(StatusCode::NO_CONTENT)
}
