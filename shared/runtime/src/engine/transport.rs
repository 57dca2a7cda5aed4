//! One exchange with an engine: sent, awaited in bounds, told apart.

use std::time::Duration;

use bytes::Bytes;
use galaxy_core::text;
use galaxy_http_client::{Error, with_json};
use galaxy_service::telemetry;
use http::{Method, Request, Response, StatusCode, Uri, header::AUTHORIZATION};
use serde::Deserialize;
use tracing::Instrument as _;

use super::{EngineAddress, EngineClient, EngineError};

/// The header that names the game of a call.
const GAME_ID: &str = "x-galaxy-game-id";
const MAX_CODE: usize = 64;
const MAX_MESSAGE: usize = 300;

impl EngineClient {
    /// A successful answer; everything else is an error.
    pub(super) async fn call(
        &self,
        engine: &EngineAddress,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        timeout: Duration,
    ) -> Result<Response<Bytes>, EngineError> {
        let request = request(engine, method, path, body)?;
        let span = tracing::info_span!(
            "engine",
            otel.kind = "client",
            otel.name = request.method().as_str(),
        );
        let answer = self.http.send_within(timeout, request);
        let answer = answer.instrument(span.clone()).await;
        if !matches!(&answer, Ok(answer) if !answer.status().is_server_error()) {
            telemetry::failed(&span);
        }
        let answer = answer?;
        match answer.status() {
            status if status.is_success() => Ok(answer),
            StatusCode::UNAUTHORIZED | StatusCode::MISDIRECTED_REQUEST => {
                Err(EngineError::WrongEngine)
            }
            status @ (StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_EARLY
            | StatusCode::TOO_MANY_REQUESTS) => Err(EngineError::Busy(status.as_u16())),
            status if status.is_client_error() => {
                let (code, message) = engine_error(answer.body());
                Err(EngineError::Refused {
                    status: status.as_u16(),
                    code,
                    message,
                })
            }
            status if status.is_server_error() => Err(EngineError::Failed {
                status: status.as_u16(),
                message: engine_error(answer.body()).1,
            }),
            status => Err(EngineError::Garbage(format!("status {status}"))),
        }
    }
}

fn request(
    engine: &EngineAddress,
    method: Method,
    path: &str,
    body: Option<Bytes>,
) -> Result<Request<Bytes>, Error> {
    let uri = Uri::builder()
        .scheme("http")
        .authority(engine.endpoint.authority())
        .path_and_query(path)
        .build()?;
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header(GAME_ID, engine.game_id.to_string());
    if let Some(token) = &engine.token {
        request = request.header(AUTHORIZATION, format!("Bearer {}", token.reveal()));
    }
    with_json(request, body)
}

impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        match error {
            Error::Timeout(_) => Self::Timeout,
            Error::TooLarge(limit) => Self::TooLarge(limit),
            Error::Invalid(_) | Error::Unreachable(_) => {
                Self::Unreachable(text::printable(error.to_string().as_bytes(), MAX_MESSAGE))
            }
        }
    }
}

/// Code and message of a failure, in the contract's error body or without one.
fn engine_error(body: &[u8]) -> (String, String) {
    #[derive(Deserialize)]
    struct Body {
        error: Fields,
    }
    #[derive(Deserialize)]
    struct Fields {
        code: String,
        message: String,
    }
    match serde_json::from_slice::<Body>(body) {
        Ok(Body { error }) => (
            text::printable(error.code.as_bytes(), MAX_CODE),
            text::printable(error.message.as_bytes(), MAX_MESSAGE),
        ),
        Err(_) => (
            "unknown".to_owned(),
            "The engine did not say why.".to_owned(),
        ),
    }
}
