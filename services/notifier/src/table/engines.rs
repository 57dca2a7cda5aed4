//! What follows from the events of runtime managers. Owners are told of incidents by the lobby, which knows them.

use galaxy_core::Timestamp;
use galaxy_events::{
    AnyEvent,
    catalogue::runtime::{EngineIncident, GenerationFailed},
};
use serde_json::{Value, json};

use super::{Row, operators, put, users};

/// The longest error text in a mail, in characters: the whole payload must stay small.
const MAX_ERROR: usize = 1_000;

pub(super) fn rows(event: &AnyEvent, time: Timestamp) -> Vec<Row> {
    use AnyEvent as E;
    match event {
        E::TurnGenerated(e) => users(
            "game.turn_ready",
            &e.member_user_ids,
            &json!({ "game_id": e.game_id, "game_name": e.game_name, "turn": e.turn }),
        ),
        E::GenerationFailed(e) => operators("runtime.generation_failed", of_failure(e)),
        E::EngineUnreachable(e) => operators(
            "runtime.engine_unreachable",
            json!({ "game_id": e.game_id, "game_name": e.game_name }),
        ),
        E::EngineRecovered(e) => operators(
            "runtime.engine_recovered",
            json!({ "game_id": e.game_id, "game_name": e.game_name }),
        ),
        E::EngineIncident(e) => incident(e, time),
        _ => vec![],
    }
}

fn of_failure(e: &GenerationFailed) -> Value {
    let mut payload = json!({
        "game_id": e.game_id, "game_name": e.game_name, "turn": e.turn, "error": e.error,
    });
    put(&mut payload, "detail", e.detail.as_deref().map(shortened));
    put(&mut payload, "engine_version", e.engine_version.as_ref());
    payload
}

/// One mail an hour of the clock for each game and sort of incident, so that an engine that fails all the time fills no
/// mailbox.
fn incident(e: &EngineIncident, time: Timestamp) -> Vec<Row> {
    let mut payload = json!({
        "game_id": e.game_id, "game_name": e.game_name, "incident": e.incident,
    });
    put(&mut payload, "engine_version", e.engine_version.as_ref());
    put(&mut payload, "detail", e.error.as_deref().map(shortened));
    put(&mut payload, "exit_code", e.exit_code);
    put(&mut payload, "oom_killed", e.oom_killed.then_some(true));
    put(
        &mut payload,
        "log",
        e.log.as_deref().filter(|log| !log.trim().is_empty()),
    );
    let hour = time.as_second().div_euclid(3600);
    let mut rows = operators("runtime.engine_incident", payload);
    for row in &mut rows {
        row.cause = Some(format!("{}:{}:{hour}", e.game_id, e.incident));
    }
    rows
}

/// One line of at most [`MAX_ERROR`] characters.
fn shortened(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").chars().take(MAX_ERROR).collect()
}

#[cfg(test)]
mod tests;
