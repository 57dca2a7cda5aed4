//! The extractor of operators: HTTP Basic with the credentials of an enabled admin account.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{
        HeaderValue, StatusCode,
        header::{AUTHORIZATION, WWW_AUTHENTICATE},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use galaxy_http::{ApiError, ClientAddress, layers::RequestId};

use super::{
    credentials::{Credentials, Refused},
    model,
};

/// The authenticated operator of a request.
#[derive(Debug, Clone)]
pub struct Admin {
    pub username: Arc<str>,
    /// The request's id, for the audit log.
    pub request_id: String,
}

impl<S> FromRequestParts<S> for Admin
where
    Credentials: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let credentials = parts.headers.get(AUTHORIZATION).and_then(basic);
        let ClientAddress(from) = ClientAddress::from_request_parts(parts, state)
            .await
            .map_err(IntoResponse::into_response)?;
        let request_id = parts
            .extensions
            .get::<RequestId>()
            .map(|id| id.as_str().to_owned())
            .unwrap_or_default();
        let Some((username, password)) = credentials else {
            return Err(refusal(Refused::Wrong.into()));
        };
        let credentials = Credentials::from_ref(state);
        let verified = credentials.check(&username, &password, from).await;
        verified
            .map(|verified| Self {
                username: verified.username.clone(),
                request_id,
            })
            .map_err(|refused| refusal(refused.into()))
    }
}

/// User name and password of a Basic header (RFC 7617), if an account could have them.
fn basic(value: &HeaderValue) -> Option<(String, String)> {
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || encoded.len() > 1_024 {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    let plausible =
        model::check_username(username).is_ok() && password.len() <= model::PASSWORD_MAX;
    plausible.then(|| (username.to_owned(), password.to_owned()))
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Wrong => Self::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "Send the user name and password of an enabled admin account as HTTP Basic.",
            ),
            Refused::TooMany(wait) => Self::too_many(wait),
            Refused::Store(error) => error.into(),
            Refused::Hashing(error) => Self::internal(format!("{error:#}")),
        }
    }
}

fn refusal(error: ApiError) -> Response {
    let challenge = (error.status() == StatusCode::UNAUTHORIZED).then_some([(
        WWW_AUTHENTICATE,
        HeaderValue::from_static("Basic realm=\"galaxy\", charset=\"UTF-8\""),
    )]);
    match challenge {
        Some(challenge) => (challenge, error).into_response(),
        None => error.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<(String, String)> {
        basic(&HeaderValue::from_str(value).unwrap())
    }

    #[test]
    fn malformed_headers_are_refused_without_a_check() {
        let good = format!("Basic {}", STANDARD.encode("root:pass:word"));
        assert_eq!(read(&good), Some(("root".into(), "pass:word".into())));
        let long = format!(
            "Basic {}",
            STANDARD.encode(format!("root:{}", "x".repeat(300)))
        );
        let odd = format!("Basic {}", STANDARD.encode("Ro ot:password"));
        for wrong in [
            "Basic",
            "Basic ???",
            "Bearer abc",
            "Basic cm9vdA==",
            &long,
            &odd,
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
