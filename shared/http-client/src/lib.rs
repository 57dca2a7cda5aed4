//! The HTTP client of the workspace: one deadline around the whole call, a limit for the answer's body, pooled connections.
//!
//! It speaks HTTP/1.1 without TLS, to services inside the installation. It follows no redirects, keeps no cookies and gives
//! every status to the caller as an answer. It does not depend on server crates, so domain crates may use it.
//!
//! ```no_run
//! # async fn example() -> Result<(), galaxy_http_client::Error> {
//! use galaxy_http_client::{HttpClient, Limits, with_json};
//! use http::Request;
//!
//! let client = HttpClient::new(Limits::default());
//! let request = with_json(Request::post("http://127.0.0.1:8080/things"), Some("{}".into()))?;
//! let answer = client.send(request).await?;
//! println!("{} {:?}", answer.status(), answer.body());
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

mod error;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header::CONTENT_TYPE, request};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

pub use error::Error;

/// How long an unused connection is kept. Servers of the installation keep theirs longer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an answer's head, and of its body that are read ahead.
const READ_BUFFER: usize = 256 << 10;

/// The bounds of a client.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time for a connection to be established.
    pub connect: Duration,
    /// Time for a whole call: connecting, sending, waiting and reading the answer.
    pub deadline: Duration,
    /// The largest body of an answer, in bytes.
    pub body: usize,
    /// Unused connections that are kept for each host.
    pub idle_connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            deadline: Duration::from_secs(10),
            body: 4 << 20,
            idle_connections: 32,
        }
    }
}

/// A client with its pool of connections. Cheap to clone; clones share the pool.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Client<HttpConnector, Full<Bytes>>,
    limits: Limits,
}

impl HttpClient {
    /// A client without a connection yet.
    pub fn new(limits: Limits) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(limits.connect));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(limits.idle_connections)
            .http1_max_buf_size(READ_BUFFER)
            .build(connector);
        Self { client, limits }
    }

    /// Sends a request with an absolute `http` URI and reads the whole answer, whatever its status.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        self.send_within(self.limits.deadline, request).await
    }

    /// [`HttpClient::send`] with a deadline of its own.
    pub async fn send_within(
        &self,
        deadline: Duration,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, Error> {
        tokio::time::timeout(deadline, self.exchange(request))
            .await
            .unwrap_or(Err(Error::Timeout(deadline)))
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let answer = self.client.request(request.map(Full::new)).await?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, self.limits.body).collect().await;
        let body = body.map_err(|error| {
            if error.is::<LengthLimitError>() {
                Error::TooLarge(self.limits.body)
            } else {
                Error::unreachable(&*error)
            }
        })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

/// A request with a JSON text as its body, or with none.
pub fn with_json(request: request::Builder, json: Option<Bytes>) -> Result<Request<Bytes>, Error> {
    let request = match json {
        Some(_) => request.header(CONTENT_TYPE, HeaderValue::from_static("application/json")),
        None => request,
    };
    Ok(request.body(json.unwrap_or_default())?)
}
