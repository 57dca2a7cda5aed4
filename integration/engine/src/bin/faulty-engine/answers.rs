//! Answers that the contract does not have.

use std::{
    io,
    sync::atomic::{AtomicU32, Ordering},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::Response,
};
use futures_util::stream;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::faults::{Answer, Fault, Roster};

/// The largest answer that is changed, in bytes.
const LARGEST: usize = 64 << 20;
const CHUNK: usize = 64 << 10;
static NOISE: AtomicU32 = AtomicU32::new(0);

pub fn given(answer: &Answer) -> io::Result<Response> {
    let mut response = Response::builder().status(answer.status);
    let typed = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
    if !answer.headers.iter().any(typed) {
        response = response.header(header::CONTENT_TYPE, "application/json");
    }
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response
        .body(Body::from(answer.body.clone()))
        .map_err(io::Error::other)
}

/// A JSON text, sent in chunks without its length.
pub fn large(bytes: usize) -> io::Result<Response> {
    let quote = || Bytes::from_static(b"\"");
    let inner = bytes.saturating_sub(2);
    let chunks = (0..inner.div_ceil(CHUNK)).map(move |n| {
        let length = CHUNK.min(inner - n * CHUNK);
        Bytes::from(vec![b'a'; length])
    });
    let parts = std::iter::once(quote())
        .chain(chunks)
        .chain(std::iter::once(quote()));
    json_response(
        StatusCode::OK,
        Body::from_stream(stream::iter(parts.map(io::Result::Ok))),
    )
}

/// Announces more than it sends.
pub fn cut() -> io::Result<Response> {
    let parts = [
        Ok(Bytes::from_static(b"{\"game_id\": \"")),
        Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
    ];
    Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_LENGTH, 1000)
        .body(Body::from_stream(stream::iter(parts)))
        .map_err(io::Error::other)
}

/// The status of the game, which never gets any further.
pub async fn promised(
    fault: Fault,
    (request, asks): (Request, bool),
    next: Next,
) -> io::Result<Response> {
    let (status, mut body) = parse(next.run(request).await).await?;
    if !status.is_success() {
        return json_response(status, Body::from(body.to_string()));
    }
    match fault {
        Fault::TurnFailed(message) if asks => body["failed"] = json!({"message": message}),
        _ => body["generating"] = true.into(),
    }
    let status = if asks {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    json_response(status, Body::from(body.to_string()))
}

/// The true answer, changed if it is a success.
pub async fn edited(fault: &Fault, response: Response) -> io::Result<Response> {
    let (status, mut body) = parse(response).await?;
    if status.is_success() {
        match fault {
            Fault::Merge(patch) => merge(&mut body, patch),
            Fault::Noise => body["noise"] = NOISE.fetch_add(1, Ordering::Relaxed).into(),
            Fault::TurnsAhead(by) => body["turn"] = (turn(&body) + by).into(),
            Fault::Roster(roster) => change_roster(&mut body, *roster),
            _ => {}
        }
    }
    json_response(status, Body::from(body.to_string()))
}

fn turn(status: &Value) -> i64 {
    status["turn"].as_i64().unwrap_or_default()
}

fn change_roster(status: &mut Value, roster: Roster) {
    let Some(players) = status["players"].as_array_mut() else {
        return;
    };
    let Some(first) = players.first().cloned() else {
        return;
    };
    match roster {
        Roster::Missing => drop(players.pop()),
        Roster::Renamed => players[0]["race_name"] = "Somebody else".into(),
        Roster::Doubled => players.push(first),
        Roster::Foreign => {
            let mut foreign = first;
            foreign["race_name"] = "Strangers".into();
            foreign["player_id"] = json!(Uuid::max());
            players.push(foreign);
        }
        Roster::OtherId => players[0]["player_id"] = json!(Uuid::max()),
        Roster::SameId => {
            if let Some(second) = players.get_mut(1) {
                second["player_id"] = first["player_id"].clone();
            }
        }
    }
}

/// RFC 7396: an object is merged field by field, null removes, everything else replaces.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in patch {
        match target.as_object_mut() {
            Some(target) if value.is_null() => drop(target.remove(name)),
            _ => merge(&mut target[name], value),
        }
    }
}

async fn parse(response: Response) -> io::Result<(StatusCode, Value)> {
    let status = response.status();
    let body = to_bytes(response.into_body(), LARGEST)
        .await
        .map_err(io::Error::other)?;
    Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
}

fn json_response(status: StatusCode, body: Body) -> io::Result<Response> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(io::Error::other)
}
