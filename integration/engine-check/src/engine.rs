//! Sends calls within the limits of the platform.

use std::time::Duration;

use galaxy_http_client::{Error, HttpClient, Limits};
use http::{
    Request,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    Check, Options,
    call::{Answer, Call, Header},
    status::Status,
};

/// The largest answer that the platform reads, in bytes.
const LARGEST_ANSWER: usize = 4032 << 10;
const POLL_INTERVAL: Duration = Duration::from_millis(100);

pub(crate) const HEALTHZ: &str = "/healthz";
pub(crate) const INIT: &str = "/api/v1/admin/init";
pub(crate) const STATUS: &str = "/api/v1/admin/status";
pub(crate) const TURN: &str = "/api/v1/admin/turn";
pub(crate) const BANISH: &str = "/api/v1/admin/race/banish";
pub(crate) const COMMAND: &str = "/api/v1/command";
pub(crate) const ORDER: &str = "/api/v1/order";
pub(crate) const REPORT: &str = "/api/v1/report";

/// The engine that is checked.
#[derive(Debug)]
pub(crate) struct Engine {
    client: HttpClient,
    url: String,
    pub token: Option<String>,
    pub game_id: Uuid,
    pub options: Map<String, Value>,
    long_turn: Duration,
}

impl Engine {
    pub fn new(url: &str, options: &Options) -> Self {
        let client = HttpClient::new(Limits {
            body: LARGEST_ANSWER,
            ..Limits::default()
        });
        Self {
            client,
            url: url.trim_end_matches('/').to_owned(),
            token: options.token.clone(),
            game_id: options.game_id,
            options: options.options.clone(),
            long_turn: options.long_turn,
        }
    }

    /// The answer, whatever it is; an error if there is none in time.
    pub async fn send(&self, call: Call) -> Check<Answer> {
        let name = format!("{} {}", call.method, call.path);
        let deadline = deadline_of(&call.path);
        let request = self
            .request(call)
            .map_err(|error| format!("{name} cannot be sent: {error}"))?;
        let answer = self.client.send_within(deadline, request).await;
        let answer = answer.map_err(|error| no_answer(&name, &error))?;
        let content_type = answer.headers().get(CONTENT_TYPE);
        Ok(Answer {
            call: name,
            status: answer.status().as_u16(),
            content_type: content_type
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
            body: answer.into_body(),
        })
    }

    fn request(&self, call: Call) -> Result<Request<bytes::Bytes>, http::Error> {
        let mut request = Request::builder()
            .method(call.method)
            .uri(format!("{}{}", self.url, call.path));
        let token = self.token.as_ref().map(|token| format!("Bearer {token}"));
        if let Some(value) = call.authorization.value(token) {
            request = request.header(AUTHORIZATION, value);
        }
        if let Some(game) = call.game.value(Some(self.game_id)) {
            request = request.header("x-galaxy-game-id", game.to_string());
        }
        if call.body.is_some() && call.json {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        request.body(call.body.unwrap_or_default())
    }

    pub async fn status(&self) -> Check<Status> {
        let answer = self.send(Call::get(STATUS)).await?;
        Status::read(&answer, 200)
    }

    pub async fn init(&self, body: &Value) -> Check<Answer> {
        self.send(Call::post(INIT, body)).await
    }

    /// Asks for a turn and waits for it.
    pub async fn turn(&self, expected: u32) -> Check<Status> {
        let answer = self
            .send(Call::put(TURN, &json!({"expected_turn": expected})))
            .await?;
        if answer.status != 202 {
            return Status::read(&answer, 200);
        }
        let promised = Status::read(&answer, 202)?;
        if !promised.generating {
            return Err(answer.say("is 202 without generating: true in its status"));
        }
        self.generated(expected).await
    }

    /// Waits for a turn that was answered with 202.
    async fn generated(&self, expected: u32) -> Check<Status> {
        let wait = async {
            loop {
                let status = self.status().await?;
                if let Some(failed) = &status.failed {
                    return Err(format!("turn {expected} failed: {}", failed.message));
                }
                if status.turn >= expected {
                    return Ok(status);
                }
                if !status.generating {
                    return Err(format!(
                        "turn {expected} was answered with 202, then the status said neither generating nor failed, and the turn is not there"
                    ));
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        tokio::time::timeout(self.long_turn, wait)
            .await
            .unwrap_or_else(|_| {
                Err(format!(
                    "turn {expected} was not there after {:?}",
                    self.long_turn
                ))
            })
    }

    pub async fn report(&self, player: Uuid, turn: u32) -> Check<Answer> {
        self.send(Call::get(format!(
            "{REPORT}?player_id={player}&turn={turn}"
        )))
        .await
    }
}

impl<T> Header<T> {
    fn value(self, right: Option<T>) -> Option<T> {
        match self {
            Self::Right => right,
            Self::Missing => None,
            Self::Other(value) => Some(value),
        }
    }
}

/// The platform's default time-outs.
fn deadline_of(path: &str) -> Duration {
    match path {
        HEALTHZ => Duration::from_secs(2),
        INIT | TURN => Duration::from_mins(1),
        _ => Duration::from_secs(10),
    }
}

fn no_answer(name: &str, error: &Error) -> String {
    match error {
        Error::Timeout(limit) => format!(
            "no answer to {name} within {limit:?}, which is how long the platform waits; answer sooner, a turn with 202"
        ),
        Error::TooLarge(limit) => format!(
            "the answer to {name} is larger than {limit} bytes, which is all that the platform reads"
        ),
        Error::Invalid(_) | Error::Unreachable(_) => format!("no answer to {name}: {error}"),
    }
}
