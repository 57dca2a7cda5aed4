//! Why the engine refuses a whole request. A single command or order is refused by
//! [`super::Refusal`].

use uuid::Uuid;

use super::model::{MAX_ACTIONS, MAX_RACES};

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GameError {
    /// No game was set up here.
    #[error("no game yet: call POST /api/v1/admin/init first")]
    NoGame,
    /// This engine already plays another game.
    #[error("this engine already plays game {playing}; one engine plays one game")]
    OtherGame {
        /// The game it plays.
        playing: Uuid,
    },
    /// The game exists with other races.
    #[error("this game was already set up with another roster")]
    OtherRoster,
    /// Too few or too many races.
    #[error("a game takes 1 to {MAX_RACES} races, not {races}")]
    RosterSize {
        /// How many were given.
        races: usize,
    },
    /// A race name is blank, too long or has control characters.
    #[error("a race name has 1 to 64 characters, no control characters, and is not blank")]
    RaceName,
    /// Two races have the same name.
    #[error("two races have the same name")]
    DoubleRace,
    /// An option is out of its range.
    #[error("the option {option} is {min} to {max}")]
    Options {
        /// Which one.
        option: &'static str,
        /// The smallest.
        min: u32,
        /// The largest.
        max: u32,
    },
    /// No player has this id.
    #[error("no such player in this game")]
    UnknownPlayer,
    /// No race has this name.
    #[error("no such race in this game")]
    UnknownRace,
    /// The turn was not generated yet.
    #[error("turn {turn} is not there: the game is at turn {current}")]
    UnknownTurn {
        /// The requested one.
        turn: u32,
        /// The newest.
        current: u32,
    },
    /// The expected turn is not the next one.
    #[error("turn {expected} cannot be generated: the next one is {next}")]
    TurnAhead {
        /// The requested one.
        expected: u32,
        /// The one that could be.
        next: u32,
    },
    /// The race was eliminated or banished.
    #[error("this race is out of the game")]
    RaceInactive,
    /// The game is over.
    #[error("the game is over")]
    GameFinished,
    /// Too many commands or orders at once.
    #[error("at most {MAX_ACTIONS} commands or orders at once, not {given}")]
    TooManyActions {
        /// How many were given.
        given: usize,
    },
}

impl GameError {
    /// The code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoGame => "no_game",
            Self::OtherGame { .. } => "other_game",
            Self::OtherRoster => "other_roster",
            Self::RosterSize { .. } | Self::RaceName | Self::DoubleRace => "bad_roster",
            Self::Options { .. } => "bad_options",
            Self::UnknownPlayer => "unknown_player",
            Self::UnknownRace => "unknown_race",
            Self::UnknownTurn { .. } => "unknown_turn",
            Self::TurnAhead { .. } => "turn_ahead",
            Self::RaceInactive => "race_inactive",
            Self::GameFinished => "game_finished",
            Self::TooManyActions { .. } => "too_many_actions",
        }
    }
}
