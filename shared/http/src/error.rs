//! The one error body:
//! `{"error":{"code":"…","message":"…","request_id":"…","details":[{"field":"…","reason":"…"}]}}`.
//!
//! An operation's error enum becomes an [`ApiError`] in one `From` impl. The body is rendered by
//! [`crate::layers::finish`], which knows the request id and also covers errors that axum itself answers.

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use galaxy_core::DependencyError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A refusal or failure on its way to the caller.
#[derive(Clone)]
pub struct ApiError(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    message: String,
    details: Vec<FieldError>,
    retry_after: Option<Duration>,
    source: Option<String>,
}

/// The body of every error answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorInfo,
}

/// What went wrong and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorInfo {
    /// Stable, for programs.
    #[schema(example = "invalid_request")]
    pub code: String,
    /// One sentence a person can act on.
    #[schema(example = "The request is not valid; see details.")]
    pub message: String,
    /// The id in `X-Request-ID` and in the logs.
    #[schema(example = "0199d1c4-6e5f-7b3a-9c1d-2f3e4a5b6c7d")]
    pub request_id: String,
    /// Which fields are wrong; only for validation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<FieldError>,
}

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The field's name, dotted for nested ones.
    #[schema(example = "display_name")]
    pub field: String,
    /// What is wrong with it.
    #[schema(example = "must have 1 to 30 visible characters")]
    pub reason: String,
}

impl ApiError {
    /// A refusal with a fixed code and a sentence that says what to do.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            status,
            code,
            message: message.into(),
            details: vec![],
            retry_after: None,
            source: None,
        }))
    }

    /// 400 `invalid_request` that names the wrong fields.
    pub fn invalid(details: Vec<FieldError>) -> Self {
        let mut error = Inner::clone(
            &Self::new(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "The request is not valid; see details.",
            )
            .0,
        );
        error.details = details;
        Self(Arc::new(error))
    }

    /// 404 `not_found`: there is none, or the caller may not see it.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("There is no such {what}."),
        )
    }

    /// 500 `internal`. The source goes to the log, never to the caller.
    pub fn internal(source: impl fmt::Display) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on our side; try again, and tell us the request id if it stays.",
        )
        .with_source(source)
    }

    /// 503 `unavailable` with `Retry-After`: a dependency is down.
    pub fn unavailable(source: impl fmt::Display) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The service cannot answer right now; try again in a moment.",
        )
        .with_source(source)
        .retry_after(Duration::from_secs(2))
    }

    /// 429 `too_many_requests` with `Retry-After`.
    pub fn too_many(wait: Duration) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "Too many requests; wait before the next one.",
        )
        .retry_after(wait)
    }

    /// The same error with a cause for the log.
    #[must_use]
    pub fn with_source(self, source: impl fmt::Display) -> Self {
        let mut inner = Inner::clone(&self.0);
        inner.source = Some(source.to_string());
        Self(Arc::new(inner))
    }

    /// The same error with a `Retry-After`, rounded up to whole seconds.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let mut inner = Inner::clone(&self.0);
        inner.retry_after = Some(wait);
        Self(Arc::new(inner))
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The wrong fields; only for validation.
    pub fn details(&self) -> &[FieldError] {
        &self.0.details
    }

    /// The cause, for the log only.
    pub fn source(&self) -> Option<&str> {
        self.0.source.as_deref()
    }

    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        self.0.retry_after.map(|wait| {
            wait.as_millis()
                .div_ceil(1000)
                .try_into()
                .unwrap_or(u64::MAX)
                .max(1)
        })
    }

    pub(crate) fn body(&self, request_id: &str) -> ErrorBody {
        ErrorBody {
            error: ErrorInfo {
                code: self.0.code.to_owned(),
                message: self.0.message.clone(),
                request_id: request_id.to_owned(),
                details: self.0.details.clone(),
            },
        }
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ApiError({} {}, {:?})",
            self.0.status.as_u16(),
            self.0.code,
            self.0.source
        )
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.status.as_u16(), self.0.code)
    }
}

impl std::error::Error for ApiError {}

/// 503 if trying again may help, 500 otherwise.
impl<E: DependencyError> From<E> for ApiError {
    fn from(error: E) -> Self {
        if error.is_unavailable() {
            Self::unavailable(error)
        } else {
            Self::internal(error)
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Collects what is wrong with the fields of a request, so that the caller gets all of it in one answer.
#[derive(Debug, Default)]
pub struct Invalid(Vec<FieldError>);

impl Invalid {
    /// Records one wrong field.
    pub fn push(&mut self, field: impl Into<String>, reason: impl fmt::Display) {
        self.0.push(FieldError {
            field: field.into(),
            reason: reason.to_string(),
        });
    }

    /// The value if the check went well; records the reason otherwise.
    pub fn check<T, E: fmt::Display>(&mut self, field: &str, checked: Result<T, E>) -> Option<T> {
        checked.map_err(|reason| self.push(field, reason)).ok()
    }

    /// `Ok` with `value` if nothing is wrong. `value` is what the checks gave; it is `None` only if one failed.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, ApiError> {
        match (self.0.is_empty(), value) {
            (true, Some(value)) => Ok(value),
            _ => Err(ApiError::invalid(self.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the database at 10.1.2.3 failed")]
    struct Failure {
        unavailable: bool,
    }

    impl DependencyError for Failure {
        fn is_unavailable(&self) -> bool {
            self.unavailable
        }
    }

    #[test]
    fn a_failed_dependency_is_503_if_trying_again_may_help_and_500_otherwise() {
        for (unavailable, status, retry) in [(true, 503, Some(2)), (false, 500, None)] {
            let error = ApiError::from(Failure { unavailable });
            assert_eq!(error.status().as_u16(), status);
            assert_eq!(error.retry_after_seconds(), retry);
        }
    }

    #[test]
    fn the_source_is_for_the_log_and_never_in_the_body() {
        let error = ApiError::from(Failure { unavailable: false });
        assert_eq!(error.source(), Some("the database at 10.1.2.3 failed"));
        let body = serde_json::to_string(&error.body("r-1")).unwrap();
        assert!(!body.contains("10.1.2.3"), "{body}");
        assert!(!error.to_string().contains("10.1.2.3"));
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        for (wait, seconds) in [
            (Duration::ZERO, 1),
            (Duration::from_millis(1), 1),
            (Duration::from_secs(1), 1),
            (Duration::from_millis(1_001), 2),
            (Duration::MAX, u64::MAX),
        ] {
            let error = ApiError::too_many(wait);
            assert_eq!(error.retry_after_seconds(), Some(seconds), "{wait:?}");
        }
    }

    #[test]
    fn the_body_has_details_only_if_fields_are_wrong() {
        let body = |error: ApiError| serde_json::to_value(error.body("r-1")).unwrap();
        let not_found = body(ApiError::not_found("game"));
        let expected = serde_json::json!({"error": {
            "code": "not_found", "message": "There is no such game.", "request_id": "r-1"
        }});
        assert_eq!(not_found, expected);
        let detail = FieldError {
            field: "name".to_owned(),
            reason: "is too long".to_owned(),
        };
        let invalid = body(ApiError::invalid(vec![detail]));
        let expected = serde_json::json!([{"field": "name", "reason": "is too long"}]);
        assert_eq!(invalid["error"]["details"], expected);
    }

    #[test]
    fn all_wrong_fields_are_reported_together() {
        let mut invalid = Invalid::default();
        let name = invalid.check("name", Err::<u8, _>("is too long"));
        let size = invalid.check("size", Ok::<_, String>(7));
        let zone = invalid.check("zone", Err::<u8, _>("is unknown"));
        assert_eq!((name, size, zone), (None, Some(7), None));
        let error = invalid.finish(size).unwrap_err();
        let fields = error.details().iter().map(|detail| detail.field.as_str());
        assert_eq!(fields.collect::<Vec<_>>(), ["name", "zone"]);

        let mut valid = Invalid::default();
        let size = valid.check("size", Ok::<_, String>(7));
        assert_eq!(valid.finish(size).unwrap(), 7);
    }
}
