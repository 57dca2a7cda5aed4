//! A back end that knows sessions and answers with the request that it received.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use galaxy_core::{DeviceSessionId, UserId};
use galaxy_http::serve::{self, Bound};
use galaxy_service::Tasks;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

#[derive(Clone)]
pub struct FakeBackend {
    pub url: String,
    state: Arc<Known>,
}

struct Known {
    sessions: Mutex<HashMap<DeviceSessionId, Value>>,
    lookups: AtomicUsize,
    slow_requests: AtomicUsize,
    release: Semaphore,
}

impl FakeBackend {
    pub async fn start(tasks: &Tasks) -> Self {
        let state = Arc::new(Known {
            sessions: Mutex::default(),
            lookups: AtomicUsize::new(0),
            slow_requests: AtomicUsize::new(0),
            release: Semaphore::new(0),
        });
        let router = Router::new()
            .route("/api/v1/internal/sessions/{id}", get(session))
            .route("/api/v1/public/auth/{action}", post(auth))
            .route("/api/v1/user/slow", get(slowly))
            .route("/api/v1/user/conflict", post(conflict))
            .route("/api/v1/user/games/{size}/bytes", get(bytes))
            .route("/api/v1/user/{*rest}", any(repeat))
            .with_state(state.clone());
        let bound = Bound::bind("TEST", "127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        let url = format!("http://{}", bound.address);
        serve::spawn(tasks, "backend", bound, router, &serve::Limits::default());
        Self { url, state }
    }

    pub fn add_session(&self, id: DeviceSessionId, user: UserId, key: &[u8]) {
        let session = json!({
            "device_session_id": id,
            "user_id": user,
            "client_public_key": BASE64_STANDARD.encode(key),
            "status": "active",
            "created_at": "2026-01-01T00:00:00Z",
        });
        self.state.sessions.lock().unwrap().insert(id, session);
    }

    pub fn revoke(&self, id: DeviceSessionId) {
        let mut sessions = self.state.sessions.lock().unwrap();
        sessions.get_mut(&id).unwrap()["status"] = "revoked".into();
    }

    /// The number of session lookups.
    pub fn lookups(&self) -> usize {
        self.state.lookups.load(Ordering::SeqCst)
    }

    /// The number of slow requests that arrived.
    pub fn slow_requests(&self) -> usize {
        self.state.slow_requests.load(Ordering::SeqCst)
    }

    /// Lets one slow request finish.
    pub fn release_one(&self) {
        self.state.release.add_permits(1);
    }
}

async fn session(
    State(known): State<Arc<Known>>,
    Path(id): Path<DeviceSessionId>,
    headers: HeaderMap,
) -> Response {
    known.lookups.fetch_add(1, Ordering::SeqCst);
    if headers
        .get("authorization")
        .is_none_or(|value| value != "Bearer the-token")
    {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match known.sessions.lock().unwrap().get(&id) {
        Some(session) => Json(session.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn auth(Path(action): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    match action.as_str() {
        "send-email-code" => Json(json!({
            "challenge_id": format!("challenge of {}", body["email"].as_str().unwrap()),
            "forwarded_for": headers["x-forwarded-for"].to_str().unwrap(),
        }))
        .into_response(),
        "confirm-email-code" if body["code"] == "123456" => {
            Json(json!({ "device_session_id": DeviceSessionId::generate() })).into_response()
        }
        _ => {
            let error = json!({"error": {"code": "invalid_code", "message": "no"}});
            (StatusCode::BAD_REQUEST, Json(error)).into_response()
        }
    }
}

async fn slowly(State(known): State<Arc<Known>>) -> Json<Value> {
    known.slow_requests.fetch_add(1, Ordering::SeqCst);
    known.release.acquire().await.unwrap().forget();
    Json(json!({}))
}

async fn bytes(Path(size): Path<usize>) -> Vec<u8> {
    vec![b'x'; size]
}

async fn conflict() -> Response {
    let error = json!({"error": {"code": "wrong_state", "message": "Not now."}});
    (StatusCode::CONFLICT, Json(error)).into_response()
}

async fn repeat(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let header = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    Json(json!({
        "method": method.as_str(),
        "path_and_query": uri.path_and_query().unwrap().as_str(),
        "user": header("x-user-id"),
        "authorization": header("authorization"),
        "request_id": header("x-request-id"),
        "forwarded_for": header("x-forwarded-for"),
        "content_type": header("content-type"),
        "body": String::from_utf8(body.to_vec()).unwrap(),
    }))
}
