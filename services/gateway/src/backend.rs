//! The REST API as the gateway calls it: bounded in time and size, over pooled connections.

use std::{net::IpAddr, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use galaxy_core::{DeviceSessionId, OpenEnum, SessionStatus, UserId};
use galaxy_http_client::{Error, HttpClient, Limits, with_json};
use galaxy_proto::signing;
use galaxy_service::telemetry;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, AUTHORIZATION},
};
use serde::Deserialize;
use tracing::{Instrument as _, Span};

use crate::{refusal::Refusal, session_cache::Session, token::GatewayToken};

/// Time for a session lookup.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// A client of the API. Cheap to clone.
#[derive(Clone)]
pub struct Backend {
    client: HttpClient,
    url: String,
    token: Option<GatewayToken>,
}

/// A request to the API.
#[derive(Debug)]
pub struct BackendRequest<'a> {
    /// Its method.
    pub method: Method,
    /// Path and query.
    pub path_and_query: &'a str,
    /// JSON, if there is a body.
    pub body: Option<Bytes>,
    /// Names the request in the logs of both.
    pub request_id: &'a str,
    /// `X-Forwarded-For`.
    pub forwarded_for: String,
    /// The user on whose behalf it is made.
    pub user: Option<UserId>,
    /// Time for the whole call.
    pub timeout: Duration,
}

impl BackendRequest<'_> {
    /// Whether the API asks for the gateway's token; if not, it may answer 401 for another reason.
    fn needs_token(&self) -> bool {
        self.user.is_some() || self.path_and_query.starts_with("/api/v1/internal/")
    }
}

#[derive(Deserialize)]
struct SessionAnswer {
    user_id: UserId,
    client_public_key: String,
    status: OpenEnum<SessionStatus>,
}

impl Backend {
    /// A client of the API at `url`, which identifies itself by `token` and reads answers of at most `max_answer` bytes.
    pub fn new(url: &str, token: Option<&GatewayToken>, max_answer: usize) -> Self {
        Self {
            client: HttpClient::new(Limits {
                connect: Duration::from_secs(2),
                deadline: LOOKUP_TIMEOUT,
                body: max_answer,
                idle_connections: 1_024,
            }),
            url: url.to_owned(),
            token: token.cloned(),
        }
    }

    /// Sends a request and reads the whole answer, whatever its status. If the API refuses the gateway's token and there is
    /// another one, it is sent again with that: nothing was done for the first.
    pub async fn send(&self, request: BackendRequest<'_>) -> Result<Response<Bytes>, Refusal> {
        let span = tracing::info_span!(
            "api",
            otel.kind = "client",
            otel.name = request.method.as_str(),
        );
        self.exchange(request).instrument(span).await
    }

    async fn exchange(&self, request: BackendRequest<'_>) -> Result<Response<Bytes>, Refusal> {
        let shown = self.token.as_ref().and_then(GatewayToken::header);
        let answer = self.send_with(&request, shown.as_ref()).await?;
        if answer.status() == StatusCode::UNAUTHORIZED
            && request.needs_token()
            && let (Some(token), Some(shown)) = (&self.token, &shown)
            && let Some(other) = token.after_refusal(shown)
        {
            return self.send_with(&request, Some(&other)).await;
        }
        Ok(answer)
    }

    async fn send_with(
        &self,
        request: &BackendRequest<'_>,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response<Bytes>, Refusal> {
        let timeout = request.timeout;
        let request = self.http_request(request, authorization)?;
        let answer = self.client.send_within(timeout, request).await;
        if !matches!(&answer, Ok(answer) if !answer.status().is_server_error()) {
            telemetry::failed(&Span::current());
        }
        answer.map_err(|error| {
            tracing::warn!(%error, "the API gave no answer");
            match error {
                Error::Timeout(_) => Refusal::BackendTimeout,
                Error::TooLarge(limit) => Refusal::AnswerTooLarge(limit),
                _ => Refusal::BackendUnavailable,
            }
        })
    }

    /// Looks a session up.
    pub async fn session(&self, id: DeviceSessionId, request_id: &str) -> Result<Session, Refusal> {
        let request = BackendRequest {
            method: Method::GET,
            path_and_query: &format!("/api/v1/internal/sessions/{id}"),
            body: None,
            request_id,
            forwarded_for: String::new(),
            user: None,
            timeout: LOOKUP_TIMEOUT,
        };
        let answer = self.send(request).await?;
        match answer.status() {
            StatusCode::OK => read_session(answer.body()),
            StatusCode::NOT_FOUND => Err(Refusal::UnknownSession),
            status => {
                tracing::warn!(%status, "a session cannot be looked up");
                Err(Refusal::BackendUnavailable)
            }
        }
    }

    fn http_request(
        &self,
        request: &BackendRequest<'_>,
        authorization: Option<&HeaderValue>,
    ) -> Result<Request<Bytes>, Refusal> {
        let mut builder = Request::builder()
            .method(&request.method)
            .uri(format!("{}{}", self.url, request.path_and_query))
            .header(ACCEPT, "application/json")
            .header("x-request-id", request.request_id);
        if !request.forwarded_for.is_empty() {
            builder = builder.header("x-forwarded-for", &request.forwarded_for);
        }
        if let Some(user) = request.user {
            builder = builder.header("x-user-id", user.to_string());
        }
        if let Some(authorization) = authorization {
            builder = builder.header(AUTHORIZATION, authorization);
        }
        if let Some(traceparent) = telemetry::traceparent() {
            builder = builder.header("traceparent", traceparent);
        }
        with_json(builder, request.body.clone())
            .map_err(|_| Refusal::InvalidRequest("the parameters make no valid path".to_owned()))
    }
}

/// `X-Forwarded-For` for the API: what the request had, then the peer that sent it.
pub fn forwarded_for(headers: &HeaderMap, peer: IpAddr) -> String {
    let hops = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut forwarded: Vec<String> = hops.map(str::to_owned).collect();
    forwarded.push(peer.to_canonical().to_string());
    forwarded.join(", ")
}

fn read_session(body: &[u8]) -> Result<Session, Refusal> {
    let unreadable = || {
        tracing::error!("the API's answer about a session cannot be read");
        Refusal::BackendUnavailable
    };
    let answer: SessionAnswer = serde_json::from_slice(body).map_err(|_| unreadable())?;
    if answer.status != SessionStatus::Active {
        return Err(Refusal::SessionRevoked);
    }
    let key = BASE64_STANDARD
        .decode(&answer.client_public_key)
        .map_err(|_| unreadable())?;
    // A key that no honest device has verifies nothing.
    let key = signing::parse_public_key(&key).map_err(|_| Refusal::InvalidSignature)?;
    Ok(Session {
        user: answer.user_id,
        key,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_is_appended_to_what_came() {
        let mut headers = HeaderMap::new();
        let peer = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(forwarded_for(&headers, peer), "192.0.2.1");
        headers.append("x-forwarded-for", "6.6.6.6, 1.2.3.4".parse().unwrap());
        headers.append("x-forwarded-for", "5.6.7.8".parse().unwrap());
        assert_eq!(
            forwarded_for(&headers, peer),
            "6.6.6.6, 1.2.3.4, 5.6.7.8, 192.0.2.1"
        );
    }

    #[test]
    fn a_revoked_session_and_a_weak_key_are_refused() {
        let answer = |status: &str, key: [u8; 32]| {
            let body = serde_json::json!({
                "device_session_id": DeviceSessionId::generate(),
                "user_id": UserId::generate(),
                "client_public_key": BASE64_STANDARD.encode(key),
                "status": status,
                "created_at": "2026-01-01T00:00:00Z",
            });
            read_session(body.to_string().as_bytes()).map(|_| ())
        };
        let good = ed25519_dalek::SigningKey::from_bytes(&[1; 32])
            .verifying_key()
            .to_bytes();
        assert_eq!(answer("active", good), Ok(()));
        assert_eq!(answer("revoked", good), Err(Refusal::SessionRevoked));
        assert_eq!(answer("active", [0; 32]), Err(Refusal::InvalidSignature));
    }
}
