//! The token that the gateway and the back end share: `Authorization: Bearer <token>`, compared in constant time.

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
};
use galaxy_service::{Secret, Vars};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;
use tower_http::validate_request::ValidateRequest;

use crate::error::ApiError;

/// Reads `BACKEND_GATEWAY_TOKEN`. The outer `None` is a problem that was recorded: it is not set, and nobody said that this is
/// meant. The inner `None`: `BACKEND_INSECURE=1` says so.
pub fn read_token(vars: &mut Vars) -> Option<Option<Secret>> {
    const NAME: &str = "BACKEND_GATEWAY_TOKEN";
    let token = vars.optional_secret(
        NAME,
        "What gateways prove themselves with to api and push-hub; the same for all three",
    );
    let insecure = vars.or(
        "BACKEND_INSECURE",
        "0",
        "1: do without BACKEND_GATEWAY_TOKEN, where nobody else reaches this machine",
    );
    match (token?, insecure?) {
        (None, false) => vars.problem(
            NAME,
            "is not set: anybody who reaches the process could act as any user; set it, or BACKEND_INSECURE=1 if that is meant",
        ),
        (token, _) => Some(token),
    }
}

/// Whether `headers` carry the token. Takes the same time wherever a wrong one of equal length differs.
pub fn carries(headers: &HeaderMap, token: &Secret) -> bool {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
        .is_some_and(|given| given.ct_eq(token.expose_secret().as_bytes()).into())
}

/// Accepts requests with the token; without a configured token, every request.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())])
    }

    /// Whether a token is required of callers; `None`: the settings are refused.
    fn required(set: &'static [(&'static str, &'static str)]) -> Option<bool> {
        let mut vars = Vars::from_lookup(|name| {
            let found = set.iter().find(|(other, _)| *other == name);
            found.map(|(_, text)| (*text).to_owned())
        });
        read_token(&mut vars).map(|token| token.is_some())
    }

    #[test]
    fn a_missing_token_is_refused_unless_that_is_said_to_be_meant() {
        assert_eq!(required(&[]), None);
        assert_eq!(required(&[("BACKEND_INSECURE", "0")]), None);
        assert_eq!(required(&[("BACKEND_INSECURE", "1")]), Some(false));
        assert_eq!(required(&[("BACKEND_GATEWAY_TOKEN", "secret")]), Some(true));
        assert_eq!(
            required(&[
                ("BACKEND_GATEWAY_TOKEN", "secret"),
                ("BACKEND_INSECURE", "1")
            ]),
            Some(true)
        );
    }

    #[test]
    fn only_the_exact_token_with_the_scheme_is_accepted() {
        let token = Secret::from("secret-token");
        assert!(carries(&headers("Bearer secret-token"), &token));
        for wrong in [
            "secret-token",
            "Bearer secret-tokem",
            "Bearer secret-token ",
            "Bearer secret",
            "Bearer ",
            "bearer secret-token",
            "Basic secret-token",
        ] {
            assert!(!carries(&headers(wrong), &token), "{wrong}");
        }
        assert!(!carries(&HeaderMap::new(), &token));
    }

    #[test]
    fn a_route_without_a_configured_token_accepts_every_request() {
        let status = |token: Option<&str>, shown: Option<&str>| {
            let mut request = Request::new(());
            if let Some(shown) = shown {
                *request.headers_mut() = headers(shown);
            }
            let mut guard = RequireToken(token.map(Secret::from));
            guard
                .validate(&mut request)
                .map_err(|refusal| refusal.status())
        };
        assert_eq!(status(None, None), Ok(()));
        assert_eq!(status(Some("a"), Some("Bearer a")), Ok(()));
        for shown in [None, Some("Bearer b")] {
            assert_eq!(status(Some("a"), shown), Err(StatusCode::UNAUTHORIZED));
        }
    }
}
