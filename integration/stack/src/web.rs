//! Small HTTP requests over plain connections: readiness, Prometheus pages, the inbox.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use galaxy_http_client::{HttpClient, Limits};
use http::{Method, Request, StatusCode};

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    deadline: Duration::from_secs(10),
    body: 16 << 20,
    idle_connections: 0,
};

/// Status and body of `GET url`. Bounded: 10 s, 16 MiB.
pub async fn get(url: &str) -> Result<(StatusCode, Bytes)> {
    request(Method::GET, url, Bytes::new()).await
}

/// Status and body of a request with a body.
pub async fn request(method: Method, url: &str, body: Bytes) -> Result<(StatusCode, Bytes)> {
    let request = Request::builder().method(method).uri(url).body(body)?;
    send(request).await
}

/// Status and body of any request.
pub async fn send(request: Request<Bytes>) -> Result<(StatusCode, Bytes)> {
    let url = request.uri().to_string();
    let answer = HttpClient::new(LIMITS).send(request).await;
    let answer = answer.context(url)?;
    Ok((answer.status(), answer.into_body()))
}

/// Whether an operations listener says that its process is ready; what it says instead otherwise.
pub async fn ready(ops: &str) -> Result<(), String> {
    match get(&format!("{ops}/readyz")).await {
        Ok((StatusCode::OK, _)) => Ok(()),
        Ok((status, body)) => Err(format!(
            "{status} {}",
            String::from_utf8_lossy(&body).trim()
        )),
        Err(error) => Err(format!("{error:#}")),
    }
}
