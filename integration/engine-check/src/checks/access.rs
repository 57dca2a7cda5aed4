//! Token and game id.

use serde_json::json;
use uuid::Uuid;

use super::{Game, RACES, init_body};
use crate::{
    Check, Outcome, Report,
    call::{Call, Header},
    engine::{BANISH, COMMAND, Engine, INIT, ORDER, REPORT, STATUS, TURN},
};

pub(super) async fn all(engine: &Engine, game: &Game, report: &mut Report) {
    let right = engine.token.as_deref().unwrap_or_default();
    let tokens = [
        ("a call without a token is refused", Header::Missing),
        (
            "a call with another token is refused",
            Header::Other(format!("Bearer {right}x")),
        ),
        (
            "a token without the word Bearer is refused",
            Header::Other(right.to_owned()),
        ),
    ];
    for (check, header) in tokens {
        if engine.token.is_some() {
            let found = refused(engine, game, header, Header::Right, 401).await;
            report.note(check, found);
        } else {
            report.add(check, needs_token());
        }
    }
    let other = Header::Other(Uuid::new_v4());
    let found = refused(engine, game, Header::Right, other, 421).await;
    report.note("a call for another game is refused", found);
    if engine.token.is_some() {
        let found = refused(engine, game, Header::Right, Header::Missing, 400).await;
        report.note("a call that names no game is refused", found);
    } else {
        report.add("a call that names no game is refused", needs_token());
    }
}

fn needs_token() -> Outcome {
    Outcome::Skipped("start the engine with ENGINE_TOKEN and give it with --token".to_owned())
}

/// Every call with these headers, each of which would change the game, and the game afterwards.
async fn refused(
    engine: &Engine,
    game: &Game,
    authorization: Header<String>,
    game_id: Header<Uuid>,
    status: u16,
) -> Check {
    let code = match status {
        401 => "unauthenticated",
        421 => "wrong_game",
        _ => "bad_request",
    };
    for mut call in calls(engine, game) {
        call.authorization = authorization.clone();
        call.game = game_id.clone();
        engine.send(call).await?.refused(status, &[code])?;
    }
    if engine.status().await? == game.status {
        Ok(())
    } else {
        Err(format!(
            "a call that was answered {status} changed the game"
        ))
    }
}

fn calls(engine: &Engine, game: &Game) -> [Call; 7] {
    let player = game.status.players[0].id;
    [
        Call::post(INIT, &init_body(engine)),
        Call::get(STATUS),
        Call::put(TURN, &json!({"expected_turn": 1})),
        Call::post(BANISH, &json!({"race_name": RACES[0]})),
        Call::put(COMMAND, &json!({"player_id": player, "commands": []})),
        Call::put(ORDER, &json!({"player_id": player, "orders": []})),
        Call::get(format!("{REPORT}?player_id={player}&turn=0")),
    ]
}
