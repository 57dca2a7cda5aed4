//! From an empty engine to a game.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Game, RACES, init_body};
use crate::{
    Check, Report,
    call::{Call, Header},
    engine::{Engine, HEALTHZ, INIT, STATUS},
    status::{Stage, Status},
};

/// Whether there is a fresh engine.
pub(super) async fn answers(engine: &Engine, report: &mut Report) -> bool {
    let healthy = report.note("healthz answers without a token", healthz(engine).await);
    let fresh = report.note(
        "an engine without a game says no_game",
        no_game(engine).await,
    );
    healthy.is_some() && fresh.is_some()
}

async fn healthz(engine: &Engine) -> Check {
    let mut call = Call::get(HEALTHZ);
    (call.authorization, call.game) = (Header::Missing, Header::Missing);
    let answer = engine.send(call).await?;
    let body = answer.expect(200)?;
    if body["status"] != "ok" {
        return Err(answer.say("is not {\"status\": \"ok\"}"));
    }
    Ok(())
}

async fn no_game(engine: &Engine) -> Check {
    let answer = engine.send(Call::get(STATUS)).await?;
    if answer.status == 200 {
        return Err(
            "the engine has a game already; start it on an empty state directory".to_owned(),
        );
    }
    answer.refused(409, &["no_game"])
}

/// Rosters and bodies that must not make a game.
pub(super) async fn refusals(engine: &Engine, report: &mut Report) {
    let race = |name: &str| json!({"race_name": name});
    let many: Vec<Value> = (0..257).map(|n| race(&format!("Race {n}"))).collect();
    let rosters = [
        ("a roster without races is refused", json!([])),
        (
            "a roster with a name twice is refused",
            json!([race("A"), race("A")]),
        ),
        ("a roster with a blank name is refused", json!([race("  ")])),
        (
            "a name with a control character is refused",
            json!([race("A\u{7}B")]),
        ),
        (
            "a name of 65 characters is refused",
            json!([race(&"x".repeat(65))]),
        ),
        ("a roster of 257 races is refused", json!(many)),
    ];
    for (check, races) in rosters {
        report.note(check, refused(engine, "races", races, "bad_roster").await);
    }
    let unknown = refused(engine, "colour", json!("red"), "bad_request").await;
    report.note("init refuses an unknown field", unknown);
    let negative = refused(engine, "seed", json!(-1), "bad_request").await;
    report.note("init refuses a negative seed", negative);
    report.note("a refused init makes no game", no_game(engine).await);
}

/// Init with one field that is wrong.
async fn refused(engine: &Engine, field: &str, value: Value, code: &str) -> Check {
    let mut body = init_body(engine);
    body[field] = value;
    engine
        .init(&body)
        .await?
        .refused(400, &[code, "bad_request"])
}

/// Sets the game up.
pub(super) async fn init(engine: &Engine, report: &mut Report) -> Option<Game> {
    let made = set_up(engine).await;
    report.note("init sets the game up at turn 0", made)
}

async fn set_up(engine: &Engine) -> Check<Game> {
    let answer = engine.init(&init_body(engine)).await?;
    let status = Status::read(&answer, 200)?;
    status.is_of(engine.game_id, &RACES)?;
    if (status.turn, status.stage) != (0, Stage::Created) {
        return Err(answer.say(&format!(
            "is at turn {} and {:?}; a new game is at turn 0 and created",
            status.turn, status.stage
        )));
    }
    if let Some(player) = status.players.iter().find(|player| !player.active) {
        return Err(format!("{} is not active in a new game", player.race_name));
    }
    Ok(Game { status })
}

/// The same again, and what is not the same.
pub(super) async fn repetitions(engine: &Engine, game: &Game, report: &mut Report) {
    let body = init_body(engine);
    report.note(
        "init again changes nothing",
        again(engine, game, &body).await,
    );
    let mut seed = body.clone();
    seed["seed"] = json!(7);
    report.note(
        "init again with another seed changes nothing",
        again(engine, game, &seed).await,
    );
    if !engine.options.is_empty() {
        let mut without = body.clone();
        without.as_object_mut().map(|body| body.remove("options"));
        report.note(
            "init again without the options changes nothing",
            again(engine, game, &without).await,
        );
    }
    let mut roster = body.clone();
    roster["races"][0]["race_name"] = json!("Klingons");
    report.note(
        "init with another roster is refused",
        other(engine, game, &roster, "other_roster").await,
    );
    let mut swapped = body.clone();
    swapped["races"] = json!(
        RACES
            .map(|name| json!({"race_name": name}))
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
    );
    report.note(
        "init with another order of races is refused",
        other(engine, game, &swapped, "other_roster").await,
    );
    let mut foreign = body;
    foreign["game_id"] = json!(Uuid::new_v4());
    report.note(
        "init of another game is refused",
        other(engine, game, &foreign, "other_game").await,
    );
    report.note("the status is the same twice", twice(engine, game).await);
}

async fn again(engine: &Engine, game: &Game, body: &Value) -> Check {
    let answer = engine.send(Call::post(INIT, body)).await?;
    if Status::read(&answer, 200)? == game.status {
        Ok(())
    } else {
        Err(answer.say("has another status than the first; answer 200 with the game as it is"))
    }
}

async fn other(engine: &Engine, game: &Game, body: &Value, code: &str) -> Check {
    engine.init(body).await?.refused(409, &[code])?;
    twice(engine, game).await
}

async fn twice(engine: &Engine, game: &Game) -> Check {
    for _ in 0..2 {
        if engine.status().await? != game.status {
            return Err("the status changed although nothing happened".to_owned());
        }
    }
    Ok(())
}
