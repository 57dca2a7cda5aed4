//! `POST /internal/sessions/users/{user_id}/revoke-all`.

use axum::{Json, extract::State};
use galaxy_core::{DeviceSessionId, UserId};
use galaxy_http::{ApiError, ApiJson, ApiPath, ErrorBody, Invalid};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;

use super::{Sessions, revoke_all_of};
use crate::{accounts, auth::model};

/// Why all sessions of a user end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeAllSessions {
    /// 1 to 200 characters on one line; devices are told.
    #[schema(example = "signed_out", min_length = 1, max_length = 200)]
    reason: String,
    /// A session that stays.
    except: Option<DeviceSessionId>,
}

/// How many sessions ended.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RevokedSessions {
    /// Sessions that were active and are revoked now.
    pub revoked: usize,
}

/// Ends all sessions of a user but one, if so wished.
#[utoipa::path(
    post,
    path = "/api/v1/internal/sessions/users/{user_id}/revoke-all",
    tag = "Internal",
    operation_id = "revoke_all_sessions",
    params(("user_id" = UserId, Path, description = "The account.")),
    request_body = RevokeAllSessions,
    responses(
        (status = 200, body = RevokedSessions, description = "The sessions are revoked."),
        (status = 404, body = ErrorBody, description = "There is no such account.")
    )
)]
#[instrument(skip_all, fields(%user_id))]
pub async fn revoke_all_sessions(
    State(sessions): State<Sessions>,
    ApiPath(user_id): ApiPath<UserId>,
    ApiJson(request): ApiJson<RevokeAllSessions>,
) -> Result<Json<RevokedSessions>, ApiError> {
    let mut invalid = Invalid::default();
    let reason = invalid.check("reason", model::revoke_reason(&request.reason));
    let reason = invalid.finish(reason)?;
    let mut tx = sessions.db.begin().await?;
    // Serialised with sign-ins of the account, which revoke surplus sessions.
    let locked = accounts::store::lock_for_count(&mut tx, user_id).await?;
    if !locked && accounts::store::find(&mut tx, user_id).await?.is_none() {
        return Err(ApiError::not_found("account"));
    }
    let ids = revoke_all_of(
        &mut tx,
        user_id,
        request.except,
        &reason,
        sessions.clock.now(),
    )
    .await?;
    tx.commit().await?;
    sessions.forget(&ids).await;
    Ok(Json(RevokedSessions { revoked: ids.len() }))
}
