//! Bodies, paths and methods outside the contract.

use http::Method;
use serde_json::{Value, json};

use super::{Game, RACES, init_body};
use crate::{
    Check, Report,
    call::Call,
    engine::{BANISH, COMMAND, Engine, INIT, ORDER, STATUS, TURN},
};

/// The largest body that an engine must take, in bytes.
const LARGEST_BODY: usize = 1 << 20;
const MALFORMED: [&str; 5] = ["", "{", "null", "[]", "{\"a\": 1} trailing"];

pub(super) async fn all(engine: &Engine, game: &Game, report: &mut Report) {
    report.note(
        "malformed bodies are refused",
        malformed(engine, game).await,
    );
    report.note(
        "unknown fields are refused",
        unknown_fields(engine, game).await,
    );
    report.note(
        "bodies that are not JSON are refused",
        not_json(engine, game).await,
    );
    report.note(
        "bodies above 1 MiB are refused",
        too_large(engine, game).await,
    );
    report.note("a body of 1 MiB is read", largest(engine, game).await);
    report.note("unknown paths are not found", unknown_path(engine).await);
    report.note("other methods are refused", other_method(engine).await);
    report.note(
        "refused calls change nothing",
        unchanged(engine, game).await,
    );
}

/// Every call with a body, and one that is right but for what a check changes.
fn bodied(engine: &Engine, game: &Game) -> [(Method, &'static str, Value); 5] {
    let player = game.status.players[0].id;
    [
        (Method::POST, INIT, init_body(engine)),
        (Method::PUT, TURN, json!({"expected_turn": 1})),
        (Method::POST, BANISH, json!({"race_name": RACES[0]})),
        (
            Method::PUT,
            COMMAND,
            json!({"player_id": player, "commands": []}),
        ),
        (
            Method::PUT,
            ORDER,
            json!({"player_id": player, "orders": []}),
        ),
    ]
}

async fn malformed(engine: &Engine, game: &Game) -> Check {
    for (method, path, _) in bodied(engine, game) {
        for body in MALFORMED {
            let call = Call::get(path).with(method.clone(), body);
            engine.send(call).await?.refused(400, &["bad_request"])?;
        }
    }
    Ok(())
}

async fn unknown_fields(engine: &Engine, game: &Game) -> Check {
    for (method, path, mut body) in bodied(engine, game) {
        body["colour"] = json!("red");
        let call = Call::get(path).with(method, body.to_string());
        engine.send(call).await?.refused(400, &["bad_request"])?;
    }
    Ok(())
}

async fn not_json(engine: &Engine, game: &Game) -> Check {
    for (method, path, body) in bodied(engine, game) {
        let mut call = Call::get(path).with(method, body.to_string());
        call.json = false;
        engine.send(call).await?.refused(415, &["not_json"])?;
    }
    Ok(())
}

/// Spaces after the body are JSON, so that only the size is wrong.
async fn too_large(engine: &Engine, game: &Game) -> Check {
    for (method, path, body) in bodied(engine, game) {
        let call = Call::get(path).with(method, padded(&body, LARGEST_BODY + 1));
        engine.send(call).await?.refused(413, &["body_too_large"])?;
    }
    Ok(())
}

/// `init` again, which changes nothing.
async fn largest(engine: &Engine, _: &Game) -> Check {
    let body = padded(&init_body(engine), LARGEST_BODY);
    let call = Call::get(INIT).with(Method::POST, body);
    engine.send(call).await?.expect_status(200)
}

fn padded(body: &Value, length: usize) -> String {
    let mut body = body.to_string();
    let missing = length.saturating_sub(body.len());
    body.extend(std::iter::repeat_n(' ', missing));
    body
}

async fn unknown_path(engine: &Engine) -> Check {
    for path in ["/api/v1/nothing", "/api/v2/order"] {
        engine
            .send(Call::get(path))
            .await?
            .refused(404, &["unknown_route"])?;
    }
    Ok(())
}

async fn other_method(engine: &Engine) -> Check {
    let calls = [Call::get(TURN), Call::put(STATUS, &json!({}))];
    for call in calls {
        engine
            .send(call)
            .await?
            .refused(405, &["method_not_allowed"])?;
    }
    Ok(())
}

async fn unchanged(engine: &Engine, game: &Game) -> Check {
    if engine.status().await? == game.status {
        Ok(())
    } else {
        Err("a call that was refused changed the game".to_owned())
    }
}
