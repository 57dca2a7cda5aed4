//! What an operation is to do, with what it needs to know; stored as the columns `op` and `params`.

use galaxy_core::{Op, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One player of the roster at the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterEntry {
    /// The player.
    pub user_id: UserId,
    /// The player's race, unique in the game.
    pub race_name: String,
}

/// The work of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", content = "params", rename_all = "snake_case")]
pub enum Work {
    /// Brings the engine up with this roster.
    Start {
        /// All players, in the order the engine gets them.
        roster: Vec<RosterEntry>,
    },
    /// Stops the engine.
    Stop {},
    /// Stops the engine and runs it again.
    Restart {},
    /// Moves to another patch version.
    Patch {
        /// The version to run.
        version: String,
    },
    /// Generates a turn.
    Turn {
        /// Its number: one more than that of the game when it was asked for, so that it is never generated twice.
        expected_turn: u32,
    },
    /// Takes a race out of the game.
    Banish {
        /// The player who loses it.
        user_id: UserId,
        /// The race.
        race_name: String,
    },
    /// Removes the engine.
    Remove {},
}

impl Work {
    /// The operation's name.
    pub const fn op(&self) -> Op {
        match self {
            Self::Start { .. } => Op::Start,
            Self::Stop {} => Op::Stop,
            Self::Restart {} => Op::Restart,
            Self::Patch { .. } => Op::Patch,
            Self::Turn { .. } => Op::Turn,
            Self::Banish { .. } => Op::Banish,
            Self::Remove {} => Op::Remove,
        }
    }

    /// How often it is tried. A banishment is tried until it is done.
    pub const fn max_attempts(&self) -> i32 {
        match self {
            Self::Start { .. } => 3,
            Self::Banish { .. } => 100_000,
            _ => 5,
        }
    }

    pub(crate) fn params(&self) -> Value {
        match serde_json::to_value(self) {
            Ok(Value::Object(mut tagged)) => tagged.remove("params").unwrap_or_else(|| json!({})),
            _ => json!({}),
        }
    }

    pub(crate) fn from_columns(op: Op, params: &Value) -> serde_json::Result<Self> {
        serde_json::from_value(json!({ "op": op, "params": params }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_work_survives_its_way_through_the_columns() {
        let user_id = UserId::generate();
        let race_name = "Zorgons".to_owned();
        for work in [
            Work::Start {
                roster: vec![RosterEntry {
                    user_id,
                    race_name: race_name.clone(),
                }],
            },
            Work::Stop {},
            Work::Restart {},
            Work::Patch {
                version: "1.2.3".to_owned(),
            },
            Work::Turn { expected_turn: 7 },
            Work::Banish { user_id, race_name },
            Work::Remove {},
        ] {
            let (op, params) = (work.op(), work.params());
            assert!(params.is_object(), "{op}");
            assert_eq!(Work::from_columns(op, &params).unwrap(), work);
        }
    }
}
