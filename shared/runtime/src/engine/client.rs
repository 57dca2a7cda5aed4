//! The calls of the contract, with their limits.

use std::time::Duration;

use bytes::Bytes;
use galaxy_core::text;
use galaxy_http_client::{self as http_client, HttpClient};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{EngineAddress, EngineError, EngineStatus, Init, TurnAnswer, answer};

/// How long calls may take, and how large answers may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until the connection stands.
    pub connect: Duration,
    /// A health probe, whole.
    pub probe: Duration,
    /// A command, an order, a report, a banishment, whole.
    pub call: Duration,
    /// Setting a game up or generating a turn, whole.
    pub turn: Duration,
    /// The largest answer, in bytes. The default and its envelope fit the 4 MiB that gRPC clients take.
    pub answer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            probe: Duration::from_secs(2),
            call: Duration::from_secs(10),
            turn: Duration::from_mins(1),
            answer: 4032 << 10,
        }
    }
}

/// Speaks to engines. Cheap to clone; clones share the pool.
#[derive(Debug, Clone)]
pub struct EngineClient {
    pub(super) http: HttpClient,
    pub(super) limits: Limits,
}

impl Default for EngineClient {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl EngineClient {
    /// No connection yet.
    pub fn new(limits: Limits) -> Self {
        let http = HttpClient::new(http_client::Limits {
            connect: limits.connect,
            deadline: limits.call,
            body: limits.answer,
            idle_connections: 8,
        });
        Self { http, limits }
    }

    /// Whether the engine answers at all.
    pub async fn healthz(&self, engine: &EngineAddress) -> Result<(), EngineError> {
        self.call(engine, Method::GET, "/healthz", None, self.limits.probe)
            .await?;
        Ok(())
    }

    /// Sets the game up; a repetition changes nothing.
    pub async fn init(
        &self,
        engine: &EngineAddress,
        init: &Init<'_>,
    ) -> Result<EngineStatus, EngineError> {
        let body = encode(init)?;
        let path = "/api/v1/admin/init";
        let answer = self.call(engine, Method::POST, path, Some(body), self.limits.turn);
        status_in(answer.await?.body())
    }

    /// How the game stands.
    pub async fn status(&self, engine: &EngineAddress) -> Result<EngineStatus, EngineError> {
        let path = "/api/v1/admin/status";
        let answer = self.call(engine, Method::GET, path, None, self.limits.call);
        status_in(answer.await?.body())
    }

    /// Generates turn `expected`, unless it is there already.
    pub async fn turn(
        &self,
        engine: &EngineAddress,
        expected: u32,
    ) -> Result<TurnAnswer, EngineError> {
        #[derive(Serialize)]
        struct Body {
            expected_turn: u32,
        }
        let body = encode(&Body {
            expected_turn: expected,
        })?;
        let path = "/api/v1/admin/turn";
        let answer = self
            .call(engine, Method::PUT, path, Some(body), self.limits.turn)
            .await?;
        if answer.status() == StatusCode::ACCEPTED {
            return Ok(TurnAnswer::Accepted);
        }
        status_in(answer.body()).map(TurnAnswer::Generated)
    }

    /// Takes a race out of the game; one that is out stays out.
    pub async fn banish(&self, engine: &EngineAddress, race_name: &str) -> Result<(), EngineError> {
        #[derive(Serialize)]
        struct Body<'a> {
            race_name: &'a str,
        }
        let body = encode(&Body { race_name })?;
        let path = "/api/v1/admin/race/banish";
        self.call(engine, Method::POST, path, Some(body), self.limits.call)
            .await?;
        Ok(())
    }

    /// Carries a player's `commands` (a JSON list) out. The answer is the engine's own JSON.
    pub async fn command(
        &self,
        engine: &EngineAddress,
        player_id: Uuid,
        commands: &impl Serialize,
    ) -> Result<Bytes, EngineError> {
        #[derive(Serialize)]
        struct Body<'a, T> {
            player_id: Uuid,
            commands: &'a T,
        }
        let body = encode(&Body {
            player_id,
            commands,
        })?;
        self.pass(engine, Method::PUT, "/api/v1/command", Some(body))
            .await
    }

    /// Stores a player's `orders` (a JSON list) for the next turn. The answer is the engine's own JSON.
    pub async fn order(
        &self,
        engine: &EngineAddress,
        player_id: Uuid,
        orders: &impl Serialize,
    ) -> Result<Bytes, EngineError> {
        #[derive(Serialize)]
        struct Body<'a, T> {
            player_id: Uuid,
            orders: &'a T,
        }
        let body = encode(&Body { player_id, orders })?;
        self.pass(engine, Method::PUT, "/api/v1/order", Some(body))
            .await
    }

    /// A player's view of a turn: the engine's own JSON.
    pub async fn report(
        &self,
        engine: &EngineAddress,
        player_id: Uuid,
        turn: u32,
    ) -> Result<Bytes, EngineError> {
        let path = format!("/api/v1/report?player_id={player_id}&turn={turn}");
        let report = self.pass(engine, Method::GET, &path, None).await?;
        answer::check_report(&report, engine.game_id, player_id, turn)?;
        Ok(report)
    }

    /// An answer that goes on as it is, once it is known to be JSON.
    async fn pass(
        &self,
        engine: &EngineAddress,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Bytes, EngineError> {
        let answer = self
            .call(engine, method, path, body, self.limits.call)
            .await?;
        let answer = answer::plain_json(answer)?;
        decode::<&RawValue>(&answer)?;
        Ok(answer)
    }
}

fn encode(body: &impl Serialize) -> Result<Bytes, EngineError> {
    serde_json::to_vec(body)
        .map(Bytes::from)
        .map_err(|error| EngineError::Garbage(format!("the request cannot be written: {error}")))
}

pub(super) fn decode<'a, T: Deserialize<'a>>(answer: &'a [u8]) -> Result<T, EngineError> {
    serde_json::from_slice(answer)
        .map_err(|error| EngineError::Garbage(text::printable(error.to_string().as_bytes(), 300)))
}

/// A status whose numbers can be stored, and whose names can be shown.
fn status_in(answer: &[u8]) -> Result<EngineStatus, EngineError> {
    let mut status: EngineStatus = decode(answer)?;
    if i32::try_from(status.turn).is_err() {
        return Err(EngineError::Garbage(format!("turn {}", status.turn)));
    }
    if let Some(failure) = &mut status.failed {
        failure.message = text::printable(failure.message.as_bytes(), 300);
    }
    Ok(status)
}
