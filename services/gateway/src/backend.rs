//! The REST API as the gateway sees it: bounded in time and size, over pooled connections.

use std::net::IpAddr;
use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use galaxy_core::{DeviceSessionId, OpenEnum, SessionStatus, UserId};
use galaxy_proto::signing;
use galaxy_service::{Secret, telemetry};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::refusal::Refusal;
use crate::session_cache::Session;

/// Largest answer that is read, bytes.
const MAX_ANSWER: usize = 4 << 20;
/// How long looking a session up may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// The API. Cheap to clone.
#[derive(Clone)]
pub struct Backend {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
    authorization: Option<HeaderValue>,
}

/// An answer of the API.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, whole.
    pub body: Bytes,
}

/// A request to the API.
#[derive(Debug)]
pub struct Ask<'a> {
    /// Method.
    pub method: Method,
    /// Path and query.
    pub path_and_query: &'a str,
    /// JSON, if there is a body.
    pub body: Option<Bytes>,
    /// Id of the request, for logs.
    pub request_id: &'a str,
    /// `X-Forwarded-For`.
    pub forwarded_for: String,
    /// On whose behalf.
    pub user: Option<UserId>,
    /// How long to wait.
    pub timeout: Duration,
}

#[derive(Deserialize)]
struct SessionAnswer {
    user_id: UserId,
    client_public_key: String,
    status: OpenEnum<SessionStatus>,
}

impl Backend {
    /// The API at `url`, which is shown `token`.
    pub fn new(url: &str, token: Option<&Secret>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(2)));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        let authorization = token.and_then(|token| {
            let mut value =
                HeaderValue::try_from(format!("Bearer {}", token.expose_secret())).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        Self {
            client,
            url: url.to_owned(),
            authorization,
        }
    }

    /// Sends a request and reads the whole answer, whatever its status.
    pub async fn ask(&self, ask: Ask<'_>) -> Result<Answer, Refusal> {
        let timeout = ask.timeout;
        let request = self.request(ask)?;
        tokio::time::timeout(timeout, self.exchange(request))
            .await
            .map_err(|_| Refusal::BackendTimeout)?
    }

    /// Looks a session up.
    pub async fn session(&self, id: DeviceSessionId, request_id: &str) -> Result<Session, Refusal> {
        let ask = Ask {
            method: Method::GET,
            path_and_query: &format!("/api/v1/internal/sessions/{id}"),
            body: None,
            request_id,
            forwarded_for: String::new(),
            user: None,
            timeout: LOOKUP_TIMEOUT,
        };
        let answer = self.ask(ask).await?;
        match answer.status {
            StatusCode::OK => read_session(&answer.body),
            StatusCode::NOT_FOUND => Err(Refusal::UnknownSession),
            status => {
                tracing::warn!(%status, "a session cannot be looked up");
                Err(Refusal::BackendUnavailable)
            }
        }
    }

    fn request(&self, ask: Ask<'_>) -> Result<Request<Full<Bytes>>, Refusal> {
        let mut request = Request::builder()
            .method(ask.method)
            .uri(format!("{}{}", self.url, ask.path_and_query))
            .header(ACCEPT, "application/json")
            .header("x-request-id", ask.request_id);
        if !ask.forwarded_for.is_empty() {
            request = request.header("x-forwarded-for", ask.forwarded_for);
        }
        if let Some(user) = ask.user {
            request = request.header("x-user-id", user.to_string());
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(traceparent) = telemetry::traceparent() {
            request = request.header("traceparent", traceparent);
        }
        if ask.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        request
            .body(Full::new(ask.body.unwrap_or_default()))
            .map_err(|_| Refusal::InvalidRequest("the parameters make no valid path".to_owned()))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, Refusal> {
        let answer = self.client.request(request).await.map_err(|error| {
            tracing::warn!(%error, "the API cannot be reached");
            Refusal::BackendUnavailable
        })?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER)
            .collect()
            .await
            .map_err(|error| {
                let too_large = error.is::<LengthLimitError>();
                tracing::warn!(%error, too_large, "an answer of the API cannot be read");
                Refusal::BackendUnavailable
            })?;
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.to_bytes(),
        })
    }
}

/// What the API is told of the way of a request: what came, and the peer that it came from.
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
