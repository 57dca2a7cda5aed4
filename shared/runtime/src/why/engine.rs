//! What stands against a game whose engine nobody works on.

use galaxy_core::{EngineHealth, RuntimeStatus, Timestamp};
use serde_json::{Value, json};

use super::Why;
use crate::model::Record;

/// The trouble of the runtime; `None` if there is none.
pub(super) fn trouble(record: &Record, now: Timestamp) -> Option<Why> {
    gone(record)
        .or_else(|| lost(record, now))
        .or_else(|| standing(record))
        .or_else(|| unreachable(record))
}

/// Somebody took the engine away.
fn gone(record: &Record) -> Option<Why> {
    let (code, sentence) = match record.status {
        RuntimeStatus::Stopped => (
            "stopped",
            "The engine was stopped; a restart brings it back.",
        ),
        RuntimeStatus::Removed => (
            "removed",
            "The engine is gone although the game goes on; a restart brings it back if its state is there.",
        ),
        RuntimeStatus::StartFailed => (
            "start_failed",
            "The engine could not be started; the game's owner or an operator can try again or cancel.",
        ),
        RuntimeStatus::Starting => (
            "no_operation",
            "The runtime is starting, but no operation works on it: stop the game by force.",
        ),
        _ => return None,
    };
    Some(Why::new(code, sentence, details(record)))
}

/// The engine ended for good, or its host or itself cannot be found.
fn lost(record: &Record, now: Timestamp) -> Option<Why> {
    let mut details = details(record);
    match record.engine_health {
        EngineHealth::CrashLoop => {
            let memory = if record.oom_killed {
                ", killed for the memory it used"
            } else {
                ""
            };
            let code = record.exit_code;
            let status = code.map_or_else(String::new, |code| format!(" with status {code}"));
            let sentence = format!(
                "The engine ended again and again, last{status}{memory}; it is not started any more until somebody restarts it."
            );
            details["oom"] = json!(record.oom_killed);
            return Some(Why::new("crash_loop", sentence, details));
        }
        EngineHealth::HostLost => {
            let sentence =
                "Nobody has heard of the engine's host; the game goes on when it is back.";
            return Some(Why::new("host_lost", sentence, details));
        }
        EngineHealth::Unknown | EngineHealth::Healthy | EngineHealth::Unreachable => {}
    }
    let since = record.missing_since?;
    let sentence = format!(
        "Listings of the node do not show the engine since {since} ({} s); it is brought up again when that is sure.",
        now.duration_since(since).as_secs().max(0)
    );
    details["missing_since"] = json!(since);
    details["missing_readings"] = json!(record.missing_readings);
    Some(Why::new("engine_missing", sentence, details))
}

/// The schedule stands still.
fn standing(record: &Record) -> Option<Why> {
    if record.status == RuntimeStatus::GenerationFailed {
        let error = record.last_error.as_deref().unwrap_or("no reason is known");
        let sentence = format!(
            "Turn {} could not be generated ({error}); retry the turn, or resume the game.",
            record.current_turn.saturating_add(1)
        );
        return Some(Why::new("generation_failed", sentence, details(record)));
    }
    let since = record.paused_at?;
    let sentence =
        format!("The game is paused since {since}; it goes on when somebody resumes it.");
    Some(Why::new("paused", sentence, details(record)))
}

fn unreachable(record: &Record) -> Option<Why> {
    let silent = record.engine_health == EngineHealth::Unreachable
        || record.status == RuntimeStatus::EngineUnreachable
        || record.endpoint.is_none();
    silent.then(|| {
        let error = record.last_error.as_deref().unwrap_or("no reason is known");
        let sentence = format!("The engine does not answer ({error}).");
        Why::new("engine_unreachable", sentence, details(record))
    })
}

fn details(record: &Record) -> Value {
    json!({
        "status": record.status.as_str(),
        "engine_health": record.engine_health.as_str(),
        "node_id": record.node_id,
        "exit_code": record.exit_code,
        "oom_killed": record.oom_killed,
        "restarts": record.restarts,
        "paused_at": record.paused_at,
        "last_error": record.last_error,
        "last_observed_at": record.last_observed_at,
    })
}
