//! A router on a listener of the served side, and a client of it.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use axum::{
    Router,
    http::{HeaderValue, Method, Request},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use galaxy_http::serve::{self, Bound};
use galaxy_http_client::{HttpClient, Limits};
use galaxy_service::Tasks;
use serde_json::Value;
use tokio::runtime::Handle;

use crate::threads;

/// A request to a [`Server`]; its URI is a path.
pub type Call = Request<Bytes>;

/// Enough for every measure: a slow answer is a figure and not an error, and each client has its connection.
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(2),
    deadline: Duration::from_mins(10),
    body: 64 << 20,
    idle_connections: 256,
};

/// A served router.
pub struct Server {
    address: SocketAddr,
    client: HttpClient,
}

impl Server {
    /// Serves `router` on the threads of `served`.
    pub async fn of(served: &Handle, router: Router) -> Result<Self> {
        let address = threads::on(served, async move {
            let bound = Bound::bind("the bench", SocketAddr::from(([127, 0, 0, 1], 0))).await?;
            let address = bound.address;
            let limits = serve::Limits::default();
            serve::spawn(&Tasks::new(), "bench", bound, router, &limits);
            Ok(address)
        })
        .await?;
        Ok(Self::at(address))
    }

    /// A server that is there already.
    pub fn at(address: SocketAddr) -> Self {
        Self {
            address,
            client: HttpClient::new(LIMITS),
        }
    }

    /// Sends one request and waits for its answer, which must be a success; gives the time it took.
    pub async fn time(&self, call: Call) -> Result<Duration> {
        let sent = Instant::now();
        self.answer(call).await?;
        Ok(sent.elapsed())
    }

    /// Sends one request; gives the answer's body if it is a success.
    pub async fn send(&self, call: Call) -> Result<Value> {
        let body = self.answer(call).await?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).context("an answer that is not JSON")
    }

    async fn answer(&self, mut call: Call) -> Result<Bytes> {
        let path = call
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned();
        *call.uri_mut() = format!("http://{}{path}", self.address).parse()?;
        let answer = self.client.send(call).await?;
        let (status, body) = (answer.status(), answer.into_body());
        ensure!(
            status.is_success(),
            "{path} answered {status}: {}",
            String::from_utf8_lossy(&body)
        );
        Ok(body)
    }

    /// Sends `requests` requests, `clients` at once; gives the time it took.
    pub async fn load(
        &self,
        requests: usize,
        clients: usize,
        call: impl Fn(usize) -> Call,
    ) -> Result<Duration> {
        let started = Instant::now();
        stream::iter(0..requests)
            .map(|n| self.answer(call(n)))
            .buffer_unordered(clients)
            .try_for_each(|_| async { Ok(()) })
            .await?;
        Ok(started.elapsed())
    }
}

/// A request without a body.
pub fn get(path: &str) -> Call {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = path.parse().unwrap_or_default();
    request
}

/// The same with an operator's user name and password.
pub fn get_as(path: &str, (username, password): (&str, &str)) -> Call {
    let mut request = get(path);
    let credentials = STANDARD.encode(format!("{username}:{password}"));
    if let Ok(value) = format!("Basic {credentials}").parse() {
        request.headers_mut().insert("authorization", value);
    }
    request
}

/// JSON, from a source address.
pub fn post(path: &str, body: &Value, from: &str) -> Call {
    let mut request = get(path);
    *request.method_mut() = Method::POST;
    request
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("application/json"));
    if let Ok(from) = from.parse() {
        request.headers_mut().insert("x-forwarded-for", from);
    }
    *request.body_mut() = body.to_string().into();
    request
}
