//! Small HTTP requests over plain connections: readiness, Prometheus pages, the inbox.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

const WITHIN: Duration = Duration::from_secs(10);
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// Status and body of `GET url`. Bounded: 10 s, 16 MiB.
pub async fn get(url: &str) -> Result<(StatusCode, Bytes)> {
    request(Method::GET, url, Bytes::new()).await
}

/// Status and body of a request with a body.
pub async fn request(method: Method, url: &str, body: Bytes) -> Result<(StatusCode, Bytes)> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::builder()
        .method(method)
        .uri(url)
        .body(Full::new(body))?;
    let exchange = async {
        let response = client
            .request(request)
            .await
            .with_context(|| format!("cannot reach {url}"))?;
        let status = response.status();
        match Limited::new(response.into_body(), BODY_LIMIT)
            .collect()
            .await
        {
            Ok(body) => Ok((status, body.to_bytes())),
            Err(error) => bail!("{url}: {error}"),
        }
    };
    tokio::time::timeout(WITHIN, exchange)
        .await
        .with_context(|| format!("{url}: no answer in {WITHIN:?}"))?
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
