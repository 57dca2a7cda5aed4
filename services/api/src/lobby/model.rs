//! The states that games, applications, invites, memberships and race names can be in, and how a game changes its own.
//!
//! Lowest module of the lobby: it uses no other one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Fewest players that a game can ask for.
pub const MIN_PLAYERS: i32 = 2;
/// Most players that a game can take.
pub const MAX_PLAYERS: i32 = 64;

/// Where a game stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum GameStatus {
    /// Being prepared; seen by its owner alone.
    Draft,
    /// Takes players.
    EnrollmentOpen,
    /// The roster stands; the owner can start.
    ReadyToStart,
    /// Its engine is being brought up.
    Starting,
    /// Its engine could not be brought up.
    StartFailed,
    /// It is played.
    Running,
    /// It is played, but no turns are generated.
    Paused,
    /// It came to its end.
    Finished,
    /// It was given up before it ran.
    Cancelled,
}

/// What can be done to a game, by its owner, an operator, a sweep or the runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Takes players from now on.
    Open,
    /// Ends enrollment.
    Ready,
    /// Brings the engine up.
    Start,
    /// Tries to bring the engine up again.
    RetryStart,
    /// The engine is up.
    Started,
    /// The engine could not be brought up.
    StartFailed,
    /// Stops the turns.
    Pause,
    /// Lets turns go on.
    Resume,
    /// Gives the game up.
    Cancel,
    /// The engine says it is over.
    Finish,
    /// An operator starts it, whatever the minimum says.
    ForceStart,
    /// An operator ends it.
    ForceStop,
}

impl GameStatus {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Draft,
        Self::EnrollmentOpen,
        Self::ReadyToStart,
        Self::Starting,
        Self::StartFailed,
        Self::Running,
        Self::Paused,
        Self::Finished,
        Self::Cancelled,
    ];

    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::EnrollmentOpen => "enrollment_open",
            Self::ReadyToStart => "ready_to_start",
            Self::Starting => "starting",
            Self::StartFailed => "start_failed",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Finished => "finished",
            Self::Cancelled => "cancelled",
        }
    }

    /// Nothing happens to it any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Cancelled)
    }

    /// An engine is there, or is being brought up.
    pub const fn has_engine(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Paused)
    }

    /// The status after `action`, if a game in this one takes it.
    pub const fn after(self, action: Action) -> Option<Self> {
        Some(match (self, action) {
            (Self::Draft, Action::Open) => Self::EnrollmentOpen,
            (Self::EnrollmentOpen, Action::Ready) => Self::ReadyToStart,
            (Self::ReadyToStart, Action::Start)
            | (Self::StartFailed, Action::RetryStart)
            | (Self::EnrollmentOpen | Self::ReadyToStart | Self::StartFailed, Action::ForceStart) => {
                Self::Starting
            }
            (Self::Starting, Action::Started) | (Self::Paused, Action::Resume) => Self::Running,
            (Self::Starting, Action::StartFailed) => Self::StartFailed,
            (Self::Running, Action::Pause) => Self::Paused,
            (
                Self::Draft | Self::EnrollmentOpen | Self::ReadyToStart | Self::StartFailed,
                Action::Cancel,
            ) => Self::Cancelled,
            (Self::Running | Self::Paused, Action::Finish)
            | (Self::Starting | Self::Running | Self::Paused, Action::ForceStop) => Self::Finished,
            _ => return None,
        })
    }

    /// What somebody can do to a game in this status, by the names of the calls.
    pub fn allowed(self) -> Vec<&'static str> {
        Action::ALL
            .into_iter()
            .filter(|action| self.after(*action).is_some())
            .filter_map(Action::call)
            .collect()
    }
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 12] = [
        Self::Open,
        Self::Ready,
        Self::Start,
        Self::RetryStart,
        Self::Started,
        Self::StartFailed,
        Self::Pause,
        Self::Resume,
        Self::Cancel,
        Self::Finish,
        Self::ForceStart,
        Self::ForceStop,
    ];

    /// The name of the owner's call for it; `None` for what owners do not do.
    pub const fn call(self) -> Option<&'static str> {
        Some(match self {
            Self::Open => "open-enrollment",
            Self::Ready => "ready-to-start",
            Self::Start => "start",
            Self::RetryStart => "retry-start",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::Started
            | Self::StartFailed
            | Self::Finish
            | Self::ForceStart
            | Self::ForceStop => return None,
        })
    }
}

/// Who sees a game and how it is entered.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Visibility {
    /// Listed for all; players apply.
    #[default]
    Public,
    /// Known to its owner, invitees and members alone.
    Private,
}

/// What became of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ApplicationStatus {
    /// Waits for the owner.
    Submitted,
    /// The applicant is in.
    Approved,
    /// The owner said no, or enrollment ended.
    Rejected,
    /// The applicant is no longer there.
    Withdrawn,
}

/// What became of an invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum InviteStatus {
    /// Can be taken up.
    Created,
    /// Was taken up.
    Redeemed,
    /// The invitee said no.
    Declined,
    /// The owner took it back, or enrollment ended.
    Revoked,
    /// Nobody took it in time.
    Expired,
}

/// What a place in a game is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum MembershipStatus {
    /// The player is in.
    Active,
    /// The player left or was removed, and may come back.
    Removed,
    /// The player was removed and may not come back.
    Blocked,
}

/// How a race name is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RaceNameStatus {
    /// Its holder's for good.
    Registered,
    /// Its holder's for the time of a game.
    Reservation,
    /// Earned in a finished game; can be registered until it expires.
    PendingRegistration,
    /// Free again.
    Released,
}
