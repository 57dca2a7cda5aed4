//! Extractors for JSON bodies, queries and paths whose refusals are the error body and name the wrong field.

use axum::{
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, Path, Request,
        rejection::{BytesRejection, PathRejection},
    },
    http::{StatusCode, header::CONTENT_TYPE, request::Parts},
};
use serde::de::DeserializeOwned;

use crate::error::{ApiError, FieldError};

/// A JSON body, read strictly: `application/json`, at most the route's limit, unknown fields refused if `T` says so.
#[derive(Debug, Clone, Copy)]
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(&request) {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Send the body as application/json.",
            ));
        }
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|error| body_error(&error))?;
        // A struct could be read from an array of its fields, too, which the contract does not allow.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(field_error(".", "must be a JSON object"));
        }
        let mut json = serde_json::Deserializer::from_slice(&body);
        let value = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| field_error(&error.path().to_string(), &error.inner().to_string()))?;
        json.end()
            .map_err(|_| field_error(".", "there is text after the JSON value"))?;
        Ok(Self(value))
    }
}

fn is_json(request: &Request) -> bool {
    let value = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}

fn body_error(error: &BytesRejection) -> ApiError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        too_large()
    } else {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "The body could not be read to its end.",
        )
    }
}

/// 413 `body_too_large`.
pub fn too_large() -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "The body is larger than this route takes.",
    )
}

/// A 400 for one wrong place in a body or query. Values are not repeated, only what was expected.
fn field_error(path: &str, reason: &str) -> ApiError {
    let field = if path == "." {
        unknown_field(reason).unwrap_or("body")
    } else {
        path
    };
    let reason = reason.split(" at line ").next().unwrap_or(reason);
    ApiError::invalid(vec![FieldError {
        field: field.chars().take(100).collect(),
        reason: reason.chars().take(200).collect(),
    }])
}

fn unknown_field(reason: &str) -> Option<&str> {
    let start = reason.find('`')? + 1;
    reason[start..]
        .split('`')
        .next()
        .filter(|_| reason.contains("field `"))
}

/// The query string; unknown parameters are refused if `T` says so.
#[derive(Debug, Clone, Copy)]
pub struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs))
            .map(Self)
            .map_err(|error| field_error(&error.path().to_string(), &error.inner().to_string()))
    }
}

/// Path parameters; one that is not of its type is a 400 that names it.
#[derive(Debug, Clone, Copy)]
pub struct ApiPath<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for ApiPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(_)) => {
                Err(ApiError::invalid(vec![FieldError {
                    field: "path".to_owned(),
                    reason: "an id in the path is not a UUID or a number in the path is not one"
                        .to_owned(),
                }]))
            }
            Err(error) => Err(ApiError::internal(error)),
        }
    }
}
