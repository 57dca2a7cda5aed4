//! Passes players' commands, orders and report requests on to the engines of their games.
//!
//! The player and the engine's address come from the runtime's records alone; nothing in a request can name another player
//! or another host. Both are read for each request, in one query by key. A cache would save nothing, since whether a turn is
//! being generated must be read anyway. No database connection is held during the call.

mod commands;
mod metrics;
mod orders;
mod reports;
mod seat;

use axum::{
    body::{Body, Bytes},
    extract::FromRef,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::Response,
};
use galaxy_core::GameId;
use galaxy_http::ApiError;
use galaxy_runtime::engine::{EngineClient, EngineError};
use galaxy_store::Db;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::lobby::Lobby;

/// The state of the domain. Cheap to clone.
#[derive(Clone)]
pub struct EngineProxy {
    db: Db,
    engines: EngineClient,
    lobby: Lobby,
}

impl EngineProxy {
    /// Passes requests on to `engines`; `lobby` authorises callers.
    pub fn new(db: &Db, engines: EngineClient, lobby: &Lobby) -> Self {
        metrics::start();
        Self {
            db: db.clone(),
            engines,
            lobby: lobby.clone(),
        }
    }
}

impl FromRef<EngineProxy> for Lobby {
    fn from_ref(proxy: &EngineProxy) -> Self {
        proxy.lobby.clone()
    }
}

/// The operations of players.
pub fn user_router() -> OpenApiRouter<EngineProxy> {
    OpenApiRouter::new()
        .routes(routes!(commands::post_commands))
        .routes(routes!(orders::post_orders))
        .routes(routes!(reports::get_report))
}

/// The engine's own JSON, unchanged, or the response to its failure.
fn respond(game_id: GameId, answer: Result<Bytes, EngineError>) -> Result<Response, ApiError> {
    let answer = answer.map_err(|error| refusal(game_id, error))?;
    let mut response = Response::new(Body::from(answer));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}

fn refusal(game_id: GameId, error: EngineError) -> ApiError {
    match error {
        EngineError::Refused { code, message, .. } => ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "engine_refused",
            format!("{message} ({code})"),
        ),
        EngineError::Timeout => ApiError::new(
            StatusCode::GATEWAY_TIMEOUT,
            "engine_timeout",
            "The game's engine did not answer in time; try again.",
        ),
        EngineError::Garbage(_) | EngineError::TooLarge(_) => unusable(game_id, &error),
        EngineError::WrongEngine
        | EngineError::Unreachable(_)
        | EngineError::Busy(_)
        | EngineError::Failed { .. } => seat::engine_unavailable().with_source(error),
    }
}

/// 502: trying again does not help, so there is no `Retry-After`; operators see it in the log and in the metric.
fn unusable(game_id: GameId, error: &EngineError) -> ApiError {
    tracing::error!(%game_id, %error, "an engine gave an answer that cannot go on to its player");
    metrics::unusable_answer();
    ApiError::new(
        StatusCode::BAD_GATEWAY,
        "engine_answer_invalid",
        "The game's engine gave an unusable answer; operators have been told.",
    )
}
