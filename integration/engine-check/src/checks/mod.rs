//! The checks, in the order of a game.

mod access;
mod banish;
mod limits;
mod player;
mod setup;
mod turns;
mod twin;

use serde_json::{Value, json};

use crate::{Options, Outcome, Report, engine::Engine, status::Status};

/// The races of the game.
const RACES: [&str; 3] = ["Terrans", "Zorgons", "Mirani"];

/// A game that was set up.
#[derive(Debug)]
pub(crate) struct Game {
    pub status: Status,
}

pub(crate) async fn all(engine: &Engine, options: &Options, report: &mut Report) {
    if !setup::answers(engine, report).await {
        report.add(
            "everything else",
            Outcome::Skipped("needs an engine that answers and has no game yet".to_owned()),
        );
        return;
    }
    setup::refusals(engine, report).await;
    let Some(game) = setup::init(engine, report).await else {
        report.add(
            "everything else",
            Outcome::Skipped("needs a game that is set up".to_owned()),
        );
        return;
    };
    setup::repetitions(engine, &game, report).await;
    access::all(engine, &game, report).await;
    limits::all(engine, &game, report).await;
    player::all(engine, &game, report).await;
    turns::all(engine, &game, report).await;
    twin::all(engine, options, report).await;
    banish::all(engine, &game, report).await;
}

/// The body of `init`. Options are left out if there are none, as the platform does.
fn init_body(engine: &Engine) -> Value {
    let races: Vec<Value> = RACES
        .iter()
        .map(|name| json!({"race_name": name}))
        .collect();
    let mut body = json!({"game_id": engine.game_id, "seed": 42, "races": races});
    if !engine.options.is_empty() {
        body["options"] = Value::Object(engine.options.clone());
    }
    body
}
