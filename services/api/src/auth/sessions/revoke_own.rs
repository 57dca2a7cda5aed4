//! `POST /user/sessions/{device_session_id}/revoke`: a player ends one of their own sessions.

use axum::{extract::State, http::StatusCode};
use galaxy_core::{DeviceSessionId, RevocationReason};
use galaxy_http::{ApiError, ApiPath, ErrorBody};
use tracing::instrument;

use super::{Sessions, revoke::revoke_one};
use crate::accounts::Caller;

/// Ends one of the caller's sessions. Ending an ended one changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/user/sessions/{device_session_id}/revoke",
    tag = "User",
    operation_id = "revoke_own_session",
    params(("device_session_id" = DeviceSessionId, Path, description = "The session.")),
    responses(
        (status = 204, description = "The session is revoked."),
        (status = 404, body = ErrorBody, description = "The caller has no such session.")
    )
)]
#[instrument(skip_all, fields(user_id = %caller.user_id, device_session_id = %id))]
pub async fn revoke_own_session(
    State(sessions): State<Sessions>,
    caller: Caller,
    ApiPath(id): ApiPath<DeviceSessionId>,
) -> Result<StatusCode, ApiError> {
    revoke_one(
        &sessions,
        id,
        Some(caller.user_id),
        &RevocationReason::Revoked.into(),
    )
    .await
}
