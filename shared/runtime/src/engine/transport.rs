//! One exchange with an engine: sent, awaited in bounds, told apart.

use std::time::Duration;

use bytes::Bytes;
use galaxy_http_client::{Error, with_json};
use http::{Method, Request, StatusCode, Uri};
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
        let answer = self.http.send_within(timeout, request).await?;
        match answer.status() {
            status if status.is_success() => Ok(answer.into_body()),
            status if status.is_client_error() => Err(refusal(status, answer.body())),
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
) -> Result<Request<Bytes>, Error> {
    let uri = Uri::builder()
        .scheme("http")
        .authority(engine.authority().clone())
        .path_and_query(path)
        .build()?;
    with_json(Request::builder().method(method).uri(uri), body)
}

impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        match error {
            Error::Timeout(_) => Self::Timeout,
            Error::TooLarge(_) => Self::Garbage(error.to_string()),
            Error::Invalid(_) | Error::Unreachable(_) => Self::Unreachable(error.to_string()),
        }
    }
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
