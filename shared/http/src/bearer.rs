//! The token that the gateway and the back end share: `Authorization: Bearer <token>`, compared in constant time.
//!
//! Its file may hold several tokens, a line each, while one takes the other's place: each is accepted, and gateways show the
//! first that is.

use std::{ops::BitOr, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
};
use galaxy_service::{Tasks, Vars, config::RotatingSecret};
use secrecy::ExposeSecret;
use subtle::{Choice, ConstantTimeEq};
use tower_http::validate_request::ValidateRequest;

use crate::error::ApiError;

/// How often the file of the token is read again.
const REREAD_PERIOD: Duration = Duration::from_secs(10);

/// Reads `BACKEND_GATEWAY_TOKEN`. The outer `None` is a problem that was recorded: it is not set, and nobody said that this is
/// meant. The inner `None`: `BACKEND_INSECURE=1` says so.
pub fn read_token(vars: &mut Vars) -> Option<Option<RotatingSecret>> {
    const NAME: &str = "BACKEND_GATEWAY_TOKEN";
    let token = vars.optional_rotating_secret(
        NAME,
        "What gateways prove themselves with to api and push-hub; the same for all three. The file is read again while the process runs, and may hold the new token and, in a second line, the old one",
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

/// Keeps the token as its file has it, if it comes from one.
pub fn follow_file(tasks: &Tasks, token: Option<&RotatingSecret>) {
    let Some(token) = token.filter(|token| token.is_from_file()).cloned() else {
        return;
    };
    tasks.every("gateway_token", REREAD_PERIOD, move || {
        token.reread();
        std::future::ready(())
    });
}

/// Whether `headers` carry the token, or one of several. Takes the same time wherever a wrong one of equal length differs, and
/// whichever of several is right.
pub fn carries(headers: &HeaderMap, token: &RotatingSecret) -> bool {
    let Some(given) = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
    else {
        return false;
    };
    let lines = token.lines();
    let matches = lines
        .iter()
        .map(|line| given.ct_eq(line.expose_secret().as_bytes()));
    matches.fold(Choice::from(0), BitOr::bitor).into()
}

/// Accepts requests with the token; without a configured token, every request.
#[derive(Debug, Clone)]
pub struct RequireToken(pub Option<RotatingSecret>);

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
        let token = RotatingSecret::from("secret-token");
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
    fn each_line_is_a_token_and_what_joins_them_is_none() {
        let token = RotatingSecret::from("new-token\n\nold-token");
        for right in ["Bearer new-token", "Bearer old-token"] {
            assert!(carries(&headers(right), &token), "{right}");
        }
        for wrong in ["Bearer ", "Bearer new", "Bearer new-tokenold-token"] {
            assert!(!carries(&headers(wrong), &token), "{wrong}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_is_replaced_in_its_file_is_accepted_without_a_restart() {
        let path = std::env::temp_dir().join(format!("galaxy-token-{}", std::process::id()));
        std::fs::write(&path, "old").unwrap();
        let file = path.display().to_string();
        let mut vars = Vars::from_lookup(move |name| {
            (name == "BACKEND_GATEWAY_TOKEN_FILE").then(|| file.clone())
        });
        let token = read_token(&mut vars).unwrap().unwrap();
        let tasks = Tasks::new();
        follow_file(&tasks, Some(&token));
        assert!(!carries(&headers("Bearer new"), &token));
        std::fs::write(&path, "new\nold\n").unwrap();
        tokio::time::sleep(REREAD_PERIOD * 2).await;
        for accepted in ["Bearer new", "Bearer old"] {
            assert!(carries(&headers(accepted), &token), "{accepted}");
        }
        std::fs::write(&path, "new\n").unwrap();
        tokio::time::sleep(REREAD_PERIOD * 2).await;
        assert!(!carries(&headers("Bearer old"), &token));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_route_without_a_configured_token_accepts_every_request() {
        let status = |token: Option<&str>, shown: Option<&str>| {
            let mut request = Request::new(());
            if let Some(shown) = shown {
                *request.headers_mut() = headers(shown);
            }
            let mut guard = RequireToken(token.map(RotatingSecret::from));
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
