//! Who may call, and for which game: engines share a network, and addresses are used again.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header::AUTHORIZATION},
    middleware::Next,
    response::Response,
};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::{App, error::ApiError};

/// The header in which a call names its game.
pub const GAME_ID_HEADER: &str = "x-galaxy-game-id";

/// The game that a call is meant for, if it says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct MeantFor(pub(super) Option<Uuid>);

/// Lets a call through that has the token and is meant for this engine's game.
pub(super) async fn check(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if request.uri().path() == "/healthz" {
        return Ok(next.run(request).await);
    }
    let token = app.settings.token.as_deref();
    check_token(token, request.headers())?;
    let meant_for = game_of(request.headers())?;
    match (meant_for, app.game_id()) {
        (None, _) if token.is_some() => {
            return Err(ApiError::BadRequest(
                "name the game in the header x-galaxy-game-id".to_owned(),
            ));
        }
        (Some(meant_for), Some(playing)) if meant_for != playing => {
            return Err(ApiError::WrongGame { playing });
        }
        _ => {}
    }
    request.extensions_mut().insert(MeantFor(meant_for));
    Ok(next.run(request).await)
}

impl App {
    /// The game of this engine: the one it was started for, or the one that was set up.
    pub(super) fn game_id(&self) -> Option<Uuid> {
        self.settings.game_id.or_else(|| self.engine.game_id())
    }
}

/// The comparison takes the same time wherever the two differ.
fn check_token(token: Option<&str>, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(token) = token else { return Ok(()) };
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    match given {
        Some(given) if bool::from(given.ct_eq(token.as_bytes())) => Ok(()),
        _ => Err(ApiError::Unauthenticated),
    }
}

fn game_of(headers: &HeaderMap) -> Result<Option<Uuid>, ApiError> {
    let Some(value) = headers.get(GAME_ID_HEADER) else {
        return Ok(None);
    };
    value
        .to_str()
        .ok()
        .and_then(|text| text.parse().ok())
        .map(Some)
        .ok_or_else(|| ApiError::BadRequest("x-galaxy-game-id is not a UUID".to_owned()))
}
