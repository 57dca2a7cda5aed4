//! The status as callers see it: the game's, and what only the process knows.

use serde::Serialize;

use super::App;
use crate::game::Status;

/// A status answer.
#[derive(Debug, Serialize)]
pub(super) struct StatusView {
    #[serde(flatten)]
    status: Status,
    /// Optional parts of the contract that this engine has: none.
    capabilities: [&'static str; 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    generating: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<Failed>,
}

#[derive(Debug, Serialize)]
struct Failed {
    message: String,
}

impl App {
    /// Adds what only the process knows.
    pub(super) fn view(&self, status: Status) -> StatusView {
        let long_turn = self.long_turns.state();
        StatusView {
            generating: long_turn.is_generating(status.turn),
            failed: long_turn.failure().map(|message| Failed { message }),
            status,
            capabilities: [],
            epoch: self.settings.epoch,
        }
    }
}
