//! `GET /user/sessions`: where a player is signed in.

use axum::{Json, extract::State};
use galaxy_core::{DeviceSessionId, Page, Timestamp};
use galaxy_http::{ApiError, ApiQuery};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Sessions, store};
use crate::{accounts::Caller, http::PageQuery};

const LIST: &str = "sessions";

/// A session of the caller's.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OwnSession {
    /// Its id.
    pub device_session_id: DeviceSessionId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was used last, to within a minute.
    pub last_seen_at: Option<Timestamp>,
}

/// The caller's active sessions, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/user/sessions",
    tag = "User",
    operation_id = "list_own_sessions",
    params(PageQuery),
    responses((status = 200, body = Page<OwnSession>, description = "A page of sessions."))
)]
#[instrument(skip_all, fields(user_id = %caller.user_id))]
pub async fn list_own_sessions(
    State(sessions): State<Sessions>,
    caller: Caller,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<Page<OwnSession>>, ApiError> {
    let (limit, before) = page.read::<(Timestamp, Uuid)>(LIST)?;
    let mut connection = sessions.db.acquire().await?;
    let rows = store::list_active(&mut connection, caller.user_id, before, limit).await?;
    let page = Page::cut(rows, limit, LIST, |row| {
        (row.created_at, row.device_session_id)
    });
    Ok(Json(page.map(|row| OwnSession {
        device_session_id: row.device_session_id,
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
    })))
}
