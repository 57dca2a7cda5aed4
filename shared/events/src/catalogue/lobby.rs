//! What happened to games and to those who play them.

use galaxy_core::{ApplicationId, GameId, InviteId, MembershipId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A game takes players.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GameOpened {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
    /// The active members at that time, 64 at most.
    pub member_user_ids: Vec<UserId>,
}

/// Enrollment ended; the owner can start the game.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GameReady {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
    /// The active members at that time, 64 at most.
    pub member_user_ids: Vec<UserId>,
}

/// The owner started the game; its engine is being made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GameStarting {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
    /// The active members at that time, 64 at most.
    pub member_user_ids: Vec<UserId>,
}

/// The engine runs, turns begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GameStarted {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
    /// The active members at that time, 64 at most.
    pub member_user_ids: Vec<UserId>,
}

/// Turns stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GamePaused {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
    /// The active members at that time, 64 at most.
    pub member_user_ids: Vec<UserId>,
}

/// Turns go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GameResumed {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
    /// The active members at that time, 64 at most.
    pub member_user_ids: Vec<UserId>,
}

/// The game was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GameCancelled {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
    /// The active members at that time, 64 at most.
    pub member_user_ids: Vec<UserId>,
}

/// The game came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GameFinished {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
    /// The active members at that time, 64 at most.
    pub member_user_ids: Vec<UserId>,
}

/// The engine could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GameStartFailed {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
    /// The active members at that time, 64 at most.
    pub member_user_ids: Vec<UserId>,
    /// Why: `image_pull_failed`, `container_start_failed`, `engine_unhealthy`, `init_rejected`.
    pub error: String,
}

/// A player asks to join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplicationSubmitted {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
    /// The application.
    pub application_id: ApplicationId,
    /// Who applied.
    pub applicant_user_id: UserId,
    /// The race applied with.
    pub race_name: String,
}

/// The player is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplicationApproved {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
    /// The application.
    pub application_id: ApplicationId,
    /// Who applied.
    pub applicant_user_id: UserId,
    /// The race applied with.
    pub race_name: String,
}

/// The owner said no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplicationRejected {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
    /// The application.
    pub application_id: ApplicationId,
    /// Who applied.
    pub applicant_user_id: UserId,
    /// The race applied with.
    pub race_name: String,
}

/// A player, or whoever has the code, is invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InviteCreated {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
    /// The invite.
    pub invite_id: InviteId,
    /// The invited player; absent for a code invite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_user_id: Option<UserId>,
}

/// The invitee said no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InviteDeclined {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
    /// The invite.
    pub invite_id: InviteId,
    /// The invited player; absent for a code invite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_user_id: Option<UserId>,
}

/// The owner took the invite back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InviteRevoked {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
    /// The invite.
    pub invite_id: InviteId,
    /// The invited player; absent for a code invite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_user_id: Option<UserId>,
}

/// Nobody took the invite in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InviteExpired {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
    /// The invite.
    pub invite_id: InviteId,
    /// The invited player; absent for a code invite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_user_id: Option<UserId>,
}

/// An invite was taken up; the player is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InviteRedeemed {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
    /// The invite.
    pub invite_id: InviteId,
    /// The invited player; absent for a code invite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_user_id: Option<UserId>,
    /// Who took it.
    pub redeemed_by_user_id: UserId,
    /// The race joined with.
    pub race_name: String,
}

/// A member left or was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MembershipRemoved {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
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

/// A member was removed and may not come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MembershipBlocked {
    /// The game.
    pub game_id: GameId,
    /// Its name at that time.
    pub game_name: String,
    /// The game's version; events with an older one than already seen are ignored.
    pub version: i64,
    /// The game's owner.
    pub owner_user_id: UserId,
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
