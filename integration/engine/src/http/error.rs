//! Every failure as `{"error":{"code","message"}}`, with its status, in one place.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use uuid::Uuid;

use crate::{engine::EngineError, game::GameError};

/// Longer messages are cut: they may quote what the client sent.
const MAX_MESSAGE_CHARS: usize = 300;

/// Why a request fails.
#[derive(Debug)]
pub(super) enum ApiError {
    /// The token is missing or wrong.
    Unauthenticated,
    /// The call is meant for another game.
    WrongGame {
        /// The game of this engine.
        playing: Uuid,
    },
    /// The body or the query is not what the contract says.
    BadRequest(String),
    /// The body is above the limit.
    BodyTooLarge,
    /// The body is not declared as JSON.
    NotJson,
    /// No such path.
    UnknownRoute,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The request took too long.
    Timeout,
    /// The rules say no.
    Game(GameError),
    /// Our fault; the log knows why.
    Internal,
}

impl ApiError {
    fn parts(self) -> (StatusCode, &'static str, String) {
        let of = |status, code, message: &str| (status, code, message.to_owned());
        match self {
            Self::Unauthenticated => of(
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "send the token of this engine as a bearer token",
            ),
            Self::WrongGame { playing } => (
                StatusCode::MISDIRECTED_REQUEST,
                "wrong_game",
                format!("this is the engine of game {playing}"),
            ),
            Self::BadRequest(message) => (StatusCode::BAD_REQUEST, "bad_request", message),
            Self::BodyTooLarge => of(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "the body may have at most 1 MiB",
            ),
            Self::NotJson => of(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not_json",
                "send JSON with content-type application/json",
            ),
            Self::UnknownRoute => of(StatusCode::NOT_FOUND, "unknown_route", "no such path"),
            Self::MethodNotAllowed => of(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "this path does not take this method",
            ),
            Self::Timeout => of(
                StatusCode::REQUEST_TIMEOUT,
                "timeout",
                "the request took too long",
            ),
            Self::Game(error) => (status_of(&error), error.code(), error.to_string()),
            Self::Internal => of(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "the engine failed, see its log",
            ),
        }
    }
}

fn status_of(error: &GameError) -> StatusCode {
    match error {
        GameError::RosterSize { .. }
        | GameError::RaceName
        | GameError::DoubleRace
        | GameError::Options { .. }
        | GameError::TooManyActions { .. } => StatusCode::BAD_REQUEST,
        GameError::UnknownPlayer | GameError::UnknownRace | GameError::UnknownTurn { .. } => {
            StatusCode::NOT_FOUND
        }
        GameError::NoGame
        | GameError::OtherGame { .. }
        | GameError::OtherRoster
        | GameError::TurnAhead { .. }
        | GameError::RaceInactive
        | GameError::GameFinished => StatusCode::CONFLICT,
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Game(error) => Self::Game(error),
            EngineError::Store(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(cause, "{error}");
                Self::Internal
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code, message) = self.parts();
        let message: String = message.chars().take(MAX_MESSAGE_CHARS).collect();
        (
            status,
            Json(json!({"error": {"code": code, "message": message}})),
        )
            .into_response()
    }
}
