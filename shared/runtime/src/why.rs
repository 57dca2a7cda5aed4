//! What a game waits for, in one code and one sentence. Pure: the caller reads the facts.

mod engine;
mod operation;
#[cfg(test)]
mod tests;

use galaxy_core::{RuntimeStatus, Timestamp};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::model::{Node, Operation, Record};

/// How long lobby and runtime may differ, since events take their time.
const NEWS_TAKE: SignedDuration = SignedDuration::from_secs(30);

/// What is known of a game.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The runtime; `None` if the game was never started.
    pub record: Option<&'a Record>,
    /// Its open operations, the one that runs or is parked first.
    pub operations: &'a [Operation],
    /// All nodes.
    pub nodes: &'a [Node],
    /// What the lobby holds the game for.
    pub lobby: LobbyState,
    /// The present.
    pub now: Timestamp,
}

/// What the lobby holds a game for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LobbyState {
    /// It does not run, or not yet.
    NotRunning,
    /// Its engine is being started.
    Starting,
    /// Turns are generated.
    Running,
    /// No turns are generated.
    Paused,
    /// It is over.
    Over,
}

impl LobbyState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NotRunning => "not_running",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Over => "over",
        }
    }
}

/// What a game waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct Why {
    /// Stable, for programs.
    pub code: &'static str,
    /// One sentence for operators.
    pub sentence: String,
    /// An object with what belongs to the code.
    pub details: Value,
}

impl Why {
    fn new(code: &'static str, sentence: impl Into<String>, details: Value) -> Self {
        Self {
            code,
            sentence: sentence.into(),
            details,
        }
    }
}

/// Explains what the game waits for: first what is being done, then what stands against it, then the schedule.
pub fn explain(facts: &Facts<'_>) -> Why {
    let Some(record) = facts.record else {
        let sentence = "The game was never started.";
        return Why::new("not_started", sentence, json!({}));
    };
    let banishment = |operation: &&Operation| operation.op == galaxy_core::Op::Banish;
    let wanted = facts
        .operations
        .iter()
        .find(|operation| !banishment(operation));
    if let Some(operation) = operation::running(facts) {
        return operation;
    }
    if let Some(disagreement) = disagreement(facts, record) {
        return disagreement;
    }
    if record.finished_at.is_some() || record.status == RuntimeStatus::Finished {
        let details =
            json!({ "finished_at": record.finished_at, "status": record.status.as_str() });
        return Why::new("finished", "The game is over.", details);
    }
    // A banishment may itself wait for the engine, so that it says nothing about it.
    wanted
        .map(|waiting| operation::waiting(facts, record, waiting))
        .or_else(|| engine::trouble(record, facts.now))
        .or_else(|| {
            let banishment = facts.operations.iter().find(banishment)?;
            Some(operation::waiting(facts, record, banishment))
        })
        .unwrap_or_else(|| schedule(record))
}

/// Lobby and runtime contradict each other, longer than news take.
fn disagreement(facts: &Facts<'_>, record: &Record) -> Option<Why> {
    let settled = facts.now.duration_since(record.updated_at) >= NEWS_TAKE;
    if !settled || !facts.operations.is_empty() {
        return None;
    }
    let over = record.finished_at.is_some();
    let stands = record.paused_at.is_some();
    let failed = record.status == RuntimeStatus::StartFailed;
    let agrees = match facts.lobby {
        LobbyState::NotRunning => failed,
        LobbyState::Starting => record.status == RuntimeStatus::Starting,
        LobbyState::Running => !over && !stands && !failed,
        LobbyState::Paused => !over && !failed && (stands || !record.status.is_playing()),
        LobbyState::Over => over || failed,
    };
    if agrees {
        return None;
    }
    let (lobby, status) = (facts.lobby.as_str(), record.status.as_str());
    let sentence = format!(
        "The lobby holds the game for {lobby}, but its runtime is {status}: resume the game, or look at the consumers of events."
    );
    let details = json!({
        "lobby": lobby, "status": status, "since": record.updated_at, "paused_at": record.paused_at,
        "finished_at": record.finished_at,
    });
    Some(Why::new("lobby_disagrees", sentence, details))
}

fn schedule(record: &Record) -> Why {
    let details = json!({
        "next_turn_at": record.next_turn_at, "turn_schedule": record.turn_schedule, "time_zone": record.time_zone,
        "skip_next_tick": record.skip_next_tick, "status": record.status.as_str(),
    });
    match record.next_turn_at {
        Some(at) if record.skip_next_tick => {
            let sentence =
                format!("The game waits for its schedule; the tick at {at} passes without a turn.");
            Why::new("schedule", sentence, details)
        }
        Some(at) => {
            let sentence =
                format!("The game waits for its schedule; the next turn is due at {at}.");
            Why::new("schedule", sentence, details)
        }
        None => {
            let sentence = format!(
                "The runtime is {}, but no turn is due and no operation is on its way: resume or restart it.",
                record.status
            );
            Why::new("no_next_turn", sentence, details)
        }
    }
}
