//! One exchange with an engine: sent, awaited in bounds, told apart.

use std::time::Duration;

use bytes::Bytes;
use http::{
    Method, Request, StatusCode, Uri,
    header::{CONTENT_TYPE, HOST},
};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use serde::Deserialize;

use super::{Endpoint, EngineClient, EngineError};

impl EngineClient {
    /// The body of a successful answer; everything else is an error.
    pub(super) async fn call(
        &self,
        engine: &Endpoint,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        timeout: Duration,
    ) -> Result<Bytes, EngineError> {
        let request = request(engine, method, path, body)?;
        tokio::time::timeout(timeout, self.exchange(request))
            .await
            .unwrap_or(Err(EngineError::Timeout))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Bytes, EngineError> {
        let response = self
            .http
            .request(request)
            .await
            .map_err(|error| EngineError::Unreachable(chain(&error)))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), self.limits.answer)
            .collect()
            .await
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    EngineError::Garbage(format!("larger than {} bytes", self.limits.answer))
                } else {
                    EngineError::Unreachable(error.to_string())
                }
            })?
            .to_bytes();
        match status {
            status if status.is_success() => Ok(body),
            status if status.is_client_error() => Err(refusal(status, &body)),
            status if status.is_server_error() => Err(EngineError::Failed(status.as_u16())),
            status => Err(EngineError::Garbage(format!("status {status}"))),
        }
    }
}

fn request(
    engine: &Endpoint,
    method: Method,
    path: &str,
    body: Option<Bytes>,
) -> Result<Request<Full<Bytes>>, EngineError> {
    let authority = engine.authority();
    let built = Uri::builder()
        .scheme("http")
        .authority(authority.clone())
        .path_and_query(path)
        .build()
        .and_then(|uri| {
            let mut request = Request::builder()
                .method(method)
                .uri(uri)
                .header(HOST, authority.as_str());
            if body.is_some() {
                request = request.header(CONTENT_TYPE, "application/json");
            }
            request.body(Full::new(body.unwrap_or_default()))
        });
    built.map_err(|error| EngineError::Unreachable(error.to_string()))
}

/// What a 4xx says, in the contract's error body or without one.
fn refusal(status: StatusCode, body: &[u8]) -> EngineError {
    #[derive(Deserialize)]
    struct Body {
        error: Said,
    }
    #[derive(Deserialize)]
    struct Said {
        code: String,
        message: String,
    }
    let said = serde_json::from_slice::<Body>(body).map_or_else(
        |_| Said {
            code: "unknown".to_owned(),
            message: "The engine did not say why.".to_owned(),
        },
        |body| body.error,
    );
    EngineError::Refused {
        status: status.as_u16(),
        code: plain(&said.code, 64),
        message: plain(&said.message, 300),
    }
}

/// At most `length` characters of a foreign text, none of them a control character.
fn plain(text: &str, length: usize) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(length)
        .collect()
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
