//! The token that the gateway and the back end share: `Authorization: Bearer <token>`, compared in constant time.

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;
use tower_http::validate_request::ValidateRequest;

use crate::error::ApiError;
use galaxy_service::Secret;

/// Whether `headers` carry the token. Takes the same time wherever a wrong one of equal length differs.
pub fn carries(headers: &HeaderMap, token: &Secret) -> bool {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
        .is_some_and(|given| given.ct_eq(token.expose_secret().as_bytes()).into())
}

/// Lets through what carries the token; with none configured, every request.
#[derive(Debug, Clone)]
pub struct RequireToken(pub Option<Secret>);

impl<B> ValidateRequest<B> for RequireToken {
    type ResponseBody = Body;

    fn validate(&mut self, request: &mut Request<B>) -> Result<(), Response> {
        match &self.0 {
            Some(token) if !carries(request.headers(), token) => Err(ApiError::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "This route is for the gateway; send its token as Authorization: Bearer.",
            )
            .into_response()),
            _ => Ok(()),
        }
    }
}
