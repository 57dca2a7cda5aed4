//! `POST /internal/sessions/{device_session_id}/revoke`.

use axum::{extract::State, http::StatusCode};
use galaxy_core::{DeviceSessionId, OpenEnum, RevocationReason, UserId};
use galaxy_http::{ApiError, ApiJson, ApiPath, ErrorBody, Invalid};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;

use super::{Sessions, publish_revocations, store};
use crate::auth::model;

/// Why a session ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeSession {
    /// 1 to 200 characters on one line; devices are told.
    #[schema(example = "signed_out", min_length = 1, max_length = 200)]
    reason: String,
}

/// Ends a session. Its streams are closed and its requests refused. Ending an ended one changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/internal/sessions/{device_session_id}/revoke",
    tag = "Internal",
    operation_id = "revoke_session",
    params(("device_session_id" = DeviceSessionId, Path, description = "The session.")),
    request_body = RevokeSession,
    responses(
        (status = 204, description = "The session is revoked."),
        (status = 404, body = ErrorBody, description = "There is no such session.")
    )
)]
#[instrument(skip_all, fields(device_session_id = %id))]
pub async fn revoke_session(
    State(sessions): State<Sessions>,
    ApiPath(id): ApiPath<DeviceSessionId>,
    ApiJson(request): ApiJson<RevokeSession>,
) -> Result<StatusCode, ApiError> {
    let mut invalid = Invalid::default();
    let reason = invalid.check("reason", model::revoke_reason(&request.reason));
    let reason = invalid.finish(reason)?;
    revoke_one(&sessions, id, None, &reason).await
}

/// Revokes one session, of `owner` if given.
pub(super) async fn revoke_one(
    sessions: &Sessions,
    id: DeviceSessionId,
    owner: Option<UserId>,
    reason: &OpenEnum<RevocationReason>,
) -> Result<StatusCode, ApiError> {
    let mut tx = sessions.db.begin().await?;
    let Some(revoked) = store::revoke(&mut tx, id, owner, reason, sessions.clock.now()).await?
    else {
        return Err(ApiError::not_found("session"));
    };
    publish_revocations(&mut tx, revoked.as_slice(), reason).await?;
    tx.commit().await?;
    sessions.forget(&[id]).await;
    Ok(StatusCode::NO_CONTENT)
}
