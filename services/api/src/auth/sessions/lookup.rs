//! `GET /internal/sessions/{device_session_id}`: called by the gateway before every request.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use galaxy_core::{DeviceSessionId, SessionStatus, Timestamp, UserId};
use galaxy_http::{ApiError, ApiPath, ErrorBody};
use galaxy_service::Tasks;
use galaxy_store::Db;
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Sessions,
    store::{self, Session},
};
use crate::{
    auth::metrics,
    batch::{BatchPermit, Batcher},
};

/// A device session as the gateway needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionView {
    /// Its id.
    pub device_session_id: DeviceSessionId,
    /// Whose.
    pub user_id: UserId,
    /// The device's Ed25519 key: base64 of 32 bytes.
    #[schema(example = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")]
    pub client_public_key: String,
    /// Whether it may be used.
    pub status: SessionStatus,
    /// When it was made.
    pub created_at: Timestamp,
}

impl From<&Session> for SessionView {
    fn from(session: &Session) -> Self {
        Self {
            device_session_id: session.device_session_id,
            user_id: session.user_id,
            client_public_key: STANDARD.encode(&session.client_public_key),
            status: session.status,
            created_at: session.created_at,
        }
    }
}

/// A session in the cache, with its serialised response body.
#[derive(Debug)]
pub struct CachedSession {
    status: SessionStatus,
    answer: Bytes,
}

impl CachedSession {
    fn new(session: &Session) -> Result<Self, ApiError> {
        let answer = serde_json::to_vec(&SessionView::from(session)).map_err(ApiError::internal)?;
        Ok(Self {
            status: session.status,
            answer: answer.into(),
        })
    }
}

/// A device session; a revoked one says so.
#[utoipa::path(
    get,
    path = "/api/v1/internal/sessions/{device_session_id}",
    tag = "Internal",
    operation_id = "get_session",
    params(("device_session_id" = DeviceSessionId, Path, description = "The session.")),
    responses(
        (status = 200, body = SessionView, description = "The session."),
        (status = 404, body = ErrorBody, description = "There is no such session.")
    )
)]
#[instrument(skip_all, fields(device_session_id = %id))]
pub async fn get_session(
    State(sessions): State<Sessions>,
    ApiPath(id): ApiPath<DeviceSessionId>,
) -> Result<Response, ApiError> {
    let Some(session) = find(&sessions, id).await? else {
        return Err(ApiError::not_found("session"));
    };
    if session.status == SessionStatus::Active {
        sessions.last_seen.record(id, sessions.clock.now());
    }
    let json = HeaderValue::from_static("application/json");
    Ok(([(CONTENT_TYPE, json)], session.answer.clone()).into_response())
}

/// The session, from the cache if the channel is healthy.
async fn find(
    sessions: &Sessions,
    id: DeviceSessionId,
) -> Result<Option<Arc<CachedSession>>, ApiError> {
    let healthy = sessions.invalidation.is_healthy();
    let generation = match sessions.cache.lookup(&id) {
        (Some(session), _) if healthy => return Ok(Some(session)),
        (_, generation) => generation,
    };
    metrics::session_lookup(if healthy { "miss" } else { "bypass" });
    let found = sessions.misses.submit(id).await??;
    let found = found
        .as_ref()
        .map(CachedSession::new)
        .transpose()?
        .map(Arc::new);
    if let (Some(session), true) = (&found, healthy) {
        sessions.cache.insert(id, session.clone(), generation);
    }
    Ok(found)
}

/// Reads sessions in batches, one query each.
pub(super) type Lookups =
    Batcher<DeviceSessionId, Result<Option<Session>, Arc<galaxy_store::Error>>>;

pub(super) fn batcher(tasks: &Tasks, db: &Db) -> Lookups {
    let db = db.clone();
    Batcher::new(tasks, move |ids, permit| read(db.clone(), ids, permit))
}

async fn read(
    db: Db,
    ids: Vec<DeviceSessionId>,
    _permit: BatchPermit,
) -> Vec<Result<Option<Session>, Arc<galaxy_store::Error>>> {
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let found = async {
        let mut connection = db.acquire().await?;
        store::find_many(&mut connection, &uuids).await
    };
    match found.await {
        Ok(sessions) => {
            let by_id = |session: Session| (session.device_session_id, session);
            let sessions: HashMap<_, _> = sessions.into_iter().map(by_id).collect();
            ids.iter().map(|id| Ok(sessions.get(id).cloned())).collect()
        }
        Err(error) => vec![Err(Arc::new(error)); ids.len()],
    }
}
