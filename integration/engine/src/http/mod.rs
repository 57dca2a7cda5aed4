//! The engine contract over HTTP: `proto/engine.openapi.yaml` says what every route takes and
//! gives; a test compares it with [`routes`].

mod access;
mod error;
mod handlers;
mod json;
mod long_turn;
mod view;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post, put},
};
use tower_http::catch_panic::CatchPanicLayer;
use uuid::Uuid;

use crate::engine::Engine;
use error::ApiError;
use long_turn::LongTurns;

/// The largest request body, in bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What the platform tells an engine beside its game.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The token that every call but `/healthz` must carry; without one every caller is trusted.
    pub token: Option<String>,
    /// The game of this engine; without it the first `init` decides.
    pub game_id: Option<Uuid>,
    /// Shown in the status, so that a second engine of a game is noticed.
    pub epoch: Option<u64>,
    /// For tests of long turns: a turn is answered with 202 and generated after this time.
    pub turn_delay: Option<Duration>,
}

/// What the handlers share.
#[derive(Debug)]
pub struct App {
    engine: Arc<Engine>,
    settings: Settings,
    long_turns: LongTurns,
}

/// Every route of the contract: method, path, handler.
pub fn routes() -> [(&'static str, &'static str, MethodRouter<Arc<App>>); 8] {
    [
        ("get", "/healthz", get(handlers::healthz)),
        ("post", "/api/v1/admin/init", post(handlers::init)),
        ("get", "/api/v1/admin/status", get(handlers::status)),
        ("put", "/api/v1/admin/turn", put(handlers::turn)),
        ("post", "/api/v1/admin/race/banish", post(handlers::banish)),
        ("put", "/api/v1/command", put(handlers::command)),
        ("put", "/api/v1/order", put(handlers::order)),
        ("get", "/api/v1/report", get(handlers::report)),
    ]
}

/// The whole service.
pub fn router(engine: Arc<Engine>, settings: Settings) -> Router {
    let app = Arc::new(App {
        engine,
        settings,
        long_turns: LongTurns::default(),
    });
    routes()
        .into_iter()
        .fold(Router::new(), |router, (_, path, handler)| {
            router.route(path, handler)
        })
        .fallback(async || ApiError::UnknownRoute)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(from_fn_with_state(Arc::clone(&app), access::check))
        .layer(from_fn(limit_time))
        .layer(CatchPanicLayer::custom(|_| {
            ApiError::Internal.into_response()
        }))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(app)
}

/// A client that stops sending in the middle of a body is not waited for.
async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::Timeout.into_response(),
    }
}
