//! The token that the gateway and the back end share: `Authorization: Bearer <token>`, compared in constant time.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    middleware::Next,
    response::{IntoResponse, Response},
};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::error::ApiError;
use crate::config::Secret;

/// Whether `headers` carry the token. Takes the same time wherever a wrong one of equal length differs.
pub fn carries(headers: &HeaderMap, token: &Secret) -> bool {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
        .is_some_and(|given| given.ct_eq(token.expose_secret().as_bytes()).into())
}

/// Middleware: without the token, 401 `unauthorized`. With no token configured, every request passes.
pub async fn require(
    State(token): State<Option<Secret>>,
    request: Request,
    next: Next,
) -> Response {
    match token {
        Some(token) if !carries(request.headers(), &token) => ApiError::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "This route is for the gateway; send its token as Authorization: Bearer.",
        )
        .into_response(),
        _ => next.run(request).await,
    }
}
