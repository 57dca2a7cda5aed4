//! What an operation is to do, with what it needs to know; stored as the columns `op` and `params`.

use galaxy_core::{Op, UserId};
use jiff::SignedDuration;
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

/// What is done about a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnMode {
    /// It is generated, unless the engine has it already.
    #[default]
    Generate,
    /// It is generated although the schedule stands still because of its failure.
    Retry,
    /// It is written down if the engine has it already: its answer was lost.
    Recognise,
    /// Whatever turn the engine is on is taken as the game's: an operator has looked at it.
    Take,
}

impl TurnMode {
    /// Whether the engine is asked to generate the turn, so that players wait.
    pub(crate) const fn generates(self) -> bool {
        matches!(self, Self::Generate | Self::Retry)
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde asks for a reference"
    )]
    fn is_default(&self) -> bool {
        *self == Self::Generate
    }
}

/// Operations that wait for a worker together. Each lane has workers of its own, so that none starves another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Engines come and go.
    Control,
    /// Turns.
    Turn,
    /// Races are taken out of their games.
    Banish,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 3] = [Self::Control, Self::Turn, Self::Banish];

    /// Its name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Turn => "turn",
            Self::Banish => "banish",
        }
    }

    /// Its operations.
    pub const fn ops(self) -> &'static [Op] {
        match self {
            Self::Control => &[Op::Start, Op::Stop, Op::Restart, Op::Patch, Op::Remove],
            Self::Turn => &[Op::Turn],
            Self::Banish => &[Op::Banish],
        }
    }
}

/// Operations of a lane that are due and not taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// How many.
    pub operations: u64,
    /// How long the oldest has been due; zero if there is none.
    pub oldest: SignedDuration,
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
        /// What to do about it.
        #[serde(default, skip_serializing_if = "TurnMode::is_default")]
        mode: TurnMode,
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

    /// How often it may be refused. What must come to pass is tried until it does.
    pub const fn max_attempts(&self) -> i32 {
        match self {
            Self::Start { .. } => 3,
            Self::Patch { .. } => 2,
            Self::Restart {} => 5,
            Self::Turn { .. } => 8,
            Self::Stop {} | Self::Remove {} | Self::Banish { .. } => 100_000,
        }
    }

    /// How long it may take from its first try, waits and outages included; `None`: until it is done.
    pub const fn age_limit(&self) -> Option<SignedDuration> {
        match self {
            Self::Start { .. } => Some(SignedDuration::from_mins(15)),
            Self::Restart {} | Self::Patch { .. } => Some(SignedDuration::from_mins(30)),
            Self::Turn { .. } => Some(SignedDuration::from_hours(1)),
            Self::Stop {} | Self::Remove {} | Self::Banish { .. } => None,
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
            Work::Turn {
                expected_turn: 7,
                mode: TurnMode::Generate,
            },
            Work::Turn {
                expected_turn: 7,
                mode: TurnMode::Take,
            },
            Work::Banish { user_id, race_name },
            Work::Remove {},
        ] {
            let (op, params) = (work.op(), work.params());
            assert!(params.is_object(), "{op}");
            assert_eq!(Work::from_columns(op, &params).unwrap(), work);
        }
    }

    #[test]
    fn a_turn_that_an_older_version_queued_is_generated() {
        let params = json!({ "expected_turn": 7 });
        let expected = Work::Turn {
            expected_turn: 7,
            mode: TurnMode::Generate,
        };
        assert_eq!(Work::from_columns(Op::Turn, &params).unwrap(), expected);
        assert_eq!(expected.params(), params, "an older version reads it too");
    }

    #[test]
    fn every_operation_has_one_lane() {
        for op in Op::ALL {
            let lanes = Lane::ALL.iter().filter(|lane| lane.ops().contains(op));
            assert_eq!(lanes.count(), 1, "{op}");
        }
    }
}
