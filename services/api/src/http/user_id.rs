//! The header in which the gateway names the caller's account.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use galaxy_core::UserId;
use galaxy_http::ApiError;

/// The header with the caller's id.
pub const USER_ID: &str = "x-user-id";

/// The id in `X-User-ID`, not checked against the accounts.
#[derive(Debug, Clone, Copy)]
pub struct UserIdHeader(pub UserId);

impl<S: Sync> FromRequestParts<S> for UserIdHeader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut values = parts.headers.get_all(USER_ID).iter();
        let id = match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok().and_then(|text| text.parse().ok()),
            _ => None,
        };
        id.map(Self).ok_or_else(|| {
            ApiError::new(
                StatusCode::BAD_REQUEST,
                "invalid_user_id",
                "Send the caller's id as one X-User-ID header with a UUID.",
            )
        })
    }
}
