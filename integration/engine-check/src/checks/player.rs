//! What players send and see, before the first turn.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Game;
use crate::{
    Check, Report,
    call::{Answer, Call},
    engine::{COMMAND, Engine, ORDER, REPORT},
};

pub(super) async fn all(engine: &Engine, game: &Game, report: &mut Report) {
    report.note(
        "every player has a report of turn 0",
        reports(engine, game, 0).await,
    );
    report.note("a report is the same twice", same_twice(engine, game).await);
    report.note("reports need a sound query", queries(engine, game).await);
    report.note(
        "a turn that is not there has no report",
        ahead(engine, game).await,
    );
    report.note(
        "unknown players are not found",
        unknown_player(engine).await,
    );
    for (check, path, list, turn) in [
        ("commands can be given twice", COMMAND, "commands", 0),
        ("orders can be given twice", ORDER, "orders", 1),
    ] {
        report.note(check, empty_twice(engine, game, path, list, turn).await);
    }
    report.note(
        "more than 1,000 orders are refused",
        too_many(engine, game).await,
    );
}

/// The reports of all players for a turn, in the order of the roster.
pub(super) async fn reports(engine: &Engine, game: &Game, turn: u32) -> Check<Vec<Answer>> {
    let mut reports = vec![];
    for player in &game.status.players {
        let answer = engine.report(player.id, turn).await?;
        let body = answer.expect(200)?;
        for (field, right) in [
            ("game_id", json!(engine.game_id)),
            ("turn", json!(turn)),
            ("player_id", json!(player.id)),
        ] {
            if body[field] != right {
                return Err(answer.say(&format!(
                    "has the {field} {}; it must be {right}",
                    body[field]
                )));
            }
        }
        reports.push(answer);
    }
    Ok(reports)
}

async fn same_twice(engine: &Engine, game: &Game) -> Check {
    if reports(engine, game, 0).await? == reports(engine, game, 0).await? {
        Ok(())
    } else {
        Err("the same report has other bytes when it is asked for again; players are told by an ETag that it did not change".to_owned())
    }
}

async fn queries(engine: &Engine, game: &Game) -> Check {
    let player = game.status.players[0].id;
    for query in [
        String::new(),
        format!("?player_id={player}"),
        "?turn=0".to_owned(),
        "?player_id=me&turn=0".to_owned(),
        format!("?player_id={player}&turn=-1"),
    ] {
        let answer = engine.send(Call::get(format!("{REPORT}{query}"))).await?;
        answer.refused(400, &["bad_request"])?;
    }
    Ok(())
}

async fn ahead(engine: &Engine, game: &Game) -> Check {
    let player = game.status.players[0].id;
    let answer = engine.report(player, 9).await?;
    answer.refused(404, &["unknown_turn"])
}

async fn unknown_player(engine: &Engine) -> Check {
    let player = Uuid::new_v4();
    let calls = [
        Call::put(COMMAND, &json!({"player_id": player, "commands": []})),
        Call::put(ORDER, &json!({"player_id": player, "orders": []})),
        Call::get(format!("{REPORT}?player_id={player}&turn=0")),
    ];
    for call in calls {
        engine.send(call).await?.refused(404, &["unknown_player"])?;
    }
    Ok(())
}

async fn empty_twice(engine: &Engine, game: &Game, path: &str, list: &str, turn: u32) -> Check {
    let player = game.status.players[0].id;
    let right = json!({"player_id": player, "turn": turn, "results": []});
    for _ in 0..2 {
        let answer = engine
            .send(Call::put(path, &json!({"player_id": player, list: []})))
            .await?;
        let body = answer.expect(200)?;
        for field in ["player_id", "turn", "results"] {
            if body[field] != right[field] {
                return Err(answer.say(&format!(
                    "has the {field} {}; it must be {}",
                    body[field], right[field]
                )));
            }
        }
    }
    Ok(())
}

async fn too_many(engine: &Engine, game: &Game) -> Check {
    let player = game.status.players[0].id;
    let orders = vec![Value::Object(serde_json::Map::new()); 1001];
    let answer = engine
        .send(Call::put(
            ORDER,
            &json!({"player_id": player, "orders": orders}),
        ))
        .await?;
    answer.refused(400, &["too_many_actions", "bad_request"])
}
