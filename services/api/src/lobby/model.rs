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
    /// Visible to its owner only.
    Draft,
    EnrollmentOpen,
    /// The roster is complete; the owner can start.
    ReadyToStart,
    /// Its engine is being started.
    Starting,
    /// Its engine could not be started.
    StartFailed,
    Running,
    /// No turns are generated.
    Paused,
    Finished,
    /// Ended before it ran.
    Cancelled,
}

/// What can be done to a game, by its owner, an operator, a sweep or the runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Open,
    Ready,
    Start,
    /// Starts again after a failed start.
    RetryStart,
    /// The engine is up.
    Started,
    /// The engine could not be started.
    StartFailed,
    Pause,
    Resume,
    /// Only before the game runs.
    Cancel,
    /// The engine reports the end of the game.
    Finish,
    /// An operator starts it, even with fewer players than the minimum.
    ForceStart,
    /// An operator ends it.
    ForceStop,
}

impl GameStatus {
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

    /// No further change is possible.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Cancelled)
    }

    /// No engine has run for it yet, and none is being started.
    pub const fn is_before_start(self) -> bool {
        matches!(
            self,
            Self::Draft | Self::EnrollmentOpen | Self::ReadyToStart | Self::StartFailed
        )
    }

    /// An engine runs or is being started.
    pub const fn has_engine(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Paused)
    }

    /// The status after `action`; `None` if this status does not allow it.
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

    /// The owner's calls that this status allows, by name.
    pub fn allowed(self) -> Vec<&'static str> {
        Action::ALL
            .into_iter()
            .filter(|action| self.after(*action).is_some())
            .filter_map(Action::call)
            .collect()
    }
}

impl Action {
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

    /// The name of the owner's call; `None` for actions that owners do not have.
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
    Submitted,
    Approved,
    /// By the owner, or because enrollment ended.
    Rejected,
    /// The applicant joined otherwise, or the account is gone.
    Withdrawn,
}

/// What became of an invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum InviteStatus {
    Created,
    Redeemed,
    Declined,
    /// By the owner, or because enrollment ended.
    Revoked,
    Expired,
}

/// What a place in a game is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum MembershipStatus {
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
    Released,
}
