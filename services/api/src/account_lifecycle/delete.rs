//! `POST /account/delete`.

use axum::{extract::State, http::StatusCode};
use galaxy_http::ApiError;
use tracing::instrument;

use super::deletion;
use crate::{
    App,
    accounts::{Caller, access},
    invalidation,
};

/// Deletes the caller's account for good: its sessions end, its games and race names are released, its address is free.
#[utoipa::path(
    post,
    path = "/api/v1/user/account/delete",
    tag = "User",
    operation_id = "delete_account",
    responses((status = 204, description = "The account is deleted."))
)]
#[instrument(skip_all, fields(user_id = %caller.user_id))]
pub async fn delete_account(
    State(app): State<App>,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    let mut tx = app.db.begin().await?;
    let sessions = deletion::delete(&mut tx, caller.user_id, app.clock.now())
        .await?
        .ok_or_else(access::unknown_user)?;
    tx.commit().await?;
    invalidation::forget_sessions(&app, &sessions).await;
    Ok(StatusCode::NO_CONTENT)
}
