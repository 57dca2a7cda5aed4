//! Refusals of the lobby. Each variant is one error code of the REST contract.

use std::time::Duration;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use galaxy_http::{ApiError, FieldError};

use super::model::{Action, GameStatus};
use crate::accounts::NotAllowed;

/// A rule of the lobby that forbids an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The game's status does not allow the action.
    #[error("{}", transition(*.status, *.action))]
    InvalidTransition { status: GameStatus, action: Action },
    /// Fewer players than the minimum.
    #[error("The game has {approved} of the {min} players it needs.")]
    NotEnoughPlayers {
        /// The number of active members.
        approved: i32,
        min: i32,
    },
    #[error("The game has no players.")]
    EmptyRoster,
    #[error("The time to enroll is over; the owner can set a later enrollment_ends_at.")]
    EnrollmentEnded,
    #[error("The game is {}; players join while it is enrollment_open.", .status.as_str())]
    EnrollmentClosed { status: GameStatus },
    #[error("The game is {}; nothing changes in it any more.", .status.as_str())]
    GameOver { status: GameStatus },
    /// Fields that no longer change.
    #[error("The game is {}; {} cannot change any more.", .status.as_str(), .fields.join(", "))]
    NotEditable {
        status: GameStatus,
        fields: Vec<&'static str>,
    },
    #[error("The game is private; it is joined by invite.")]
    InviteOnly,
    #[error("All {max} places of the game are taken.")]
    RosterFull { max: i32 },
    #[error("The player is a member of the game already.")]
    AlreadyMember,
    /// A player has at most one open application to a game.
    #[error("There is an open application to this game already; wait for the owner's answer.")]
    AlreadyApplied,
    /// A player has at most one open invite to a game.
    #[error("The player has an open invite to this game already.")]
    AlreadyInvited,
    /// The owner has blocked the player.
    #[error("The owner of this game does not let the player in again.")]
    BlockedFromGame,
    /// It is not open any more.
    #[error("The {what} is {status} already.")]
    AlreadyDecided {
        /// Application, invite or membership.
        what: &'static str,
        status: &'static str,
    },
    #[error("The invite ran out; ask the owner for a new one.")]
    InviteExpired,
    /// Held by another player, or by this player for another game.
    #[error("The race name is taken, or reads like one that is; choose another.")]
    RaceNameTaken,
    /// Built in or configured as reserved.
    #[error("The race name is reserved; choose another.")]
    RaceNameReserved,
    /// The player has not earned the name.
    #[error("There is no name like this to register; it is earned by doing well in a game.")]
    NotPending,
    #[error("The race name is registered already.")]
    AlreadyRegistered,
    /// Earned more than 30 days ago.
    #[error("The time to register this race name is over.")]
    RegistrationExpired,
    /// A limit of the account.
    #[error("The limit {code} of {value} is reached.")]
    LimitReached {
        /// The limit's code.
        code: &'static str,
        /// Its value for the account.
        value: i64,
    },
    /// No engine version is enabled.
    #[error("There is no engine version to start the game with; operators enable one.")]
    NoEngineVersion,
    /// More or fewer players than the game's engine version takes.
    #[error("The game has {players} players; {version} takes {min} to {max}.")]
    PlayerLimits {
        /// The number of active members.
        players: i32,
        /// `name@1.0.0`.
        version: String,
        min: i32,
        max: i32,
    },
    /// The options do not fit the version that is to run; it has changed since they were set.
    #[error("The options do not fit {version}: {problems}; set others.")]
    OptionsInvalid {
        /// `name@1.0.0`.
        version: String,
        problems: String,
    },
    /// The runtime is in another status than the operation needs.
    #[error("The game's engine is {status}; wait until it runs, or ask an operator.")]
    RuntimeNotReady {
        /// The runtime record's status, or `absent`.
        status: &'static str,
    },
    /// The applicant may not join games.
    #[error("The player may not join games at present.")]
    PlayerMayNotJoin,
    /// The caller does not own the game.
    #[error("Only the owner of the game can do this.")]
    NotOwner,
    /// The caller is no member of the game.
    #[error("Only members of the game can do this.")]
    NotMember,
}

fn transition(status: GameStatus, action: Action) -> String {
    let asked = action.call().unwrap_or("this");
    let allowed = status.allowed();
    if allowed.is_empty() {
        format!("The game is {}; {asked} is not possible.", status.as_str())
    } else {
        format!(
            "The game is {}; {asked} is not possible, but {}.",
            status.as_str(),
            allowed.join(", ")
        )
    }
}

impl Refusal {
    /// The code in the error body.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidTransition { .. } | Self::AlreadyDecided { .. } => "invalid_transition",
            Self::NotEnoughPlayers { .. } => "not_enough_players",
            Self::EmptyRoster => "empty_roster",
            Self::EnrollmentEnded => "enrollment_ended",
            Self::EnrollmentClosed { .. } => "enrollment_closed",
            Self::GameOver { .. } => "game_over",
            Self::NotEditable { .. } => "not_editable",
            Self::InviteOnly => "invite_only",
            Self::RosterFull { .. } => "roster_full",
            Self::AlreadyMember => "already_member",
            Self::AlreadyApplied => "already_applied",
            Self::AlreadyInvited => "already_invited",
            Self::BlockedFromGame => "blocked_from_game",
            Self::InviteExpired => "invite_expired",
            Self::RaceNameTaken => "race_name_taken",
            Self::RaceNameReserved => "race_name_reserved",
            Self::NotPending => "race_name_not_pending",
            Self::AlreadyRegistered => "race_name_already_registered",
            Self::RegistrationExpired => "race_name_expired",
            Self::LimitReached { .. } => "limit_reached",
            Self::NoEngineVersion => "no_engine_version",
            Self::PlayerLimits { .. } => "player_limits",
            Self::OptionsInvalid { .. } => "options_invalid",
            Self::RuntimeNotReady { .. } => "runtime_not_ready",
            Self::PlayerMayNotJoin => "player_may_not_join",
            Self::NotOwner => "not_owner",
            Self::NotMember => "not_member",
        }
    }

    /// 403 if the caller may never do it, 409 if the present state forbids it.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::BlockedFromGame | Self::NotOwner | Self::NotMember => StatusCode::FORBIDDEN,
            _ => StatusCode::CONFLICT,
        }
    }
}

/// Why an operation of the lobby fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule forbids it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The account is blocked or sanctioned.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Not there, or hidden from the caller.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// The request is not valid.
    #[error("{0}")]
    Invalid(ApiError),
    /// Too many tries; the time to wait.
    #[error("too many tries")]
    TooMany(Duration),
    /// The runtime contradicts the lobby.
    #[error("the runtime contradicts the lobby: {0}")]
    Runtime(String),
    #[error(transparent)]
    Store(#[from] galaxy_store::Error),
}

/// 400 for one wrong field; `reason` completes "`field` …".
pub fn wrong(field: &str, reason: impl std::fmt::Display) -> Error {
    Error::Invalid(ApiError::invalid(vec![FieldError {
        field: field.to_owned(),
        reason: reason.to_string(),
    }]))
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        Self::Invalid(error)
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => refusal.into(),
            Error::NotAllowed(reason) => reason.into(),
            Error::Missing(what) => Self::not_found(what),
            Error::Invalid(error) => error,
            Error::TooMany(wait) => Self::too_many(wait),
            Error::Runtime(reason) => Self::internal(reason),
            Error::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        ApiError::from(self).into_response()
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.status(), refusal.code(), refusal.to_string())
    }
}
