//! What happened to games and to those who play them.
//!
//! Events that say the same flatten one struct of facts, so its fields stand beside the event's own in the JSON.

use galaxy_core::{
    ApplicationId, FailureCode, GameId, InviteId, MembershipId, OpenEnum, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What every event about a game says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GameFacts {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
}

/// What every event about a game's status says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RosterFacts {
    /// The game.
    #[serde(flatten)]
    #[schema(inline)]
    pub game: GameFacts,
    /// The active members at that time, 64 at most.
    pub member_user_ids: Vec<UserId>,
}

/// What every event about an application says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplicationFacts {
    /// The game.
    #[serde(flatten)]
    #[schema(inline)]
    pub game: GameFacts,
    /// The application.
    pub application_id: ApplicationId,
    /// Who applied.
    pub applicant_user_id: UserId,
    /// The race applied with.
    pub race_name: String,
}

/// What every event about an invite says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InviteFacts {
    /// The game.
    #[serde(flatten)]
    #[schema(inline)]
    pub game: GameFacts,
    /// The invite.
    pub invite_id: InviteId,
    /// The invited player; absent for a code invite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_user_id: Option<UserId>,
}

/// What every event about the end of a membership says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MembershipFacts {
    /// The game.
    #[serde(flatten)]
    #[schema(inline)]
    pub game: GameFacts,
    /// The membership.
    pub membership_id: MembershipId,
    /// The member.
    pub user_id: UserId,
    /// The member's race.
    pub race_name: String,
    /// Who did it; absent for operators and account deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_user_id: Option<UserId>,
}

/// A game takes players.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GameOpened {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub roster: RosterFacts,
}

/// Enrollment ended; the owner can start the game.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GameReady {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub roster: RosterFacts,
}

/// The owner started the game; its engine is being made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GameStarting {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub roster: RosterFacts,
}

/// The engine runs, turns begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GameStarted {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub roster: RosterFacts,
}

/// The turn that a game could not go beyond.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TurnFailure {
    /// Its number.
    pub turn: u32,
    /// Why it failed, as a code.
    #[schema(value_type = String)]
    pub error: OpenEnum<FailureCode>,
    /// The version of the engine that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_version: Option<String>,
}

/// Turns stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GamePaused {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub roster: RosterFacts,
    /// Why: `owner`, `operator`, `generation_failed` or `owner_left`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The turn that failed, if that is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<TurnFailure>,
}

/// Turns go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GameResumed {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub roster: RosterFacts,
}

/// The game was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GameCancelled {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub roster: RosterFacts,
}

/// The game came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GameFinished {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub roster: RosterFacts,
}

/// The engine could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GameStartFailed {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub roster: RosterFacts,
    /// Why: `image_pull_failed`, `container_start_failed`, `engine_unhealthy`, `init_rejected`.
    #[schema(value_type = String)]
    pub error: OpenEnum<FailureCode>,
    /// The version of the engine that was to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_version: Option<String>,
}

/// A player asks to join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplicationSubmitted {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub application: ApplicationFacts,
}

/// The player is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplicationApproved {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub application: ApplicationFacts,
}

/// The owner said no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplicationRejected {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub application: ApplicationFacts,
}

/// A player, or whoever has the code, is invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InviteCreated {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub invite: InviteFacts,
}

/// The invitee said no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InviteDeclined {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub invite: InviteFacts,
}

/// The owner took the invite back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InviteRevoked {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub invite: InviteFacts,
}

/// Nobody took the invite in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InviteExpired {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub invite: InviteFacts,
}

/// An invite was taken up; the player is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InviteRedeemed {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub invite: InviteFacts,
    /// Who took it.
    pub redeemed_by_user_id: UserId,
    /// The race joined with.
    pub race_name: String,
}

/// A member left or was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MembershipRemoved {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub membership: MembershipFacts,
}

/// A member was removed and may not come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MembershipBlocked {
    /// The shared facts.
    #[serde(flatten)]
    #[schema(inline)]
    pub membership: MembershipFacts,
}

/// A capable player may register the name of a finished game.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RaceNamePending {
    /// The holder.
    pub user_id: UserId,
    /// The race name.
    pub name: String,
    /// The game it was earned in.
    pub game_id: GameId,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A race name belongs to its holder for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RaceNameRegistered {
    /// The holder.
    pub user_id: UserId,
    /// The race name.
    pub name: String,
}

/// A race name is free again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RaceNameReleased {
    /// The holder.
    pub user_id: UserId,
    /// The race name.
    pub name: String,
    /// Whether the time to register it ran out.
    pub expired: bool,
}
