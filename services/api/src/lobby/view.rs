//! The response bodies of the lobby.

use galaxy_core::{ApplicationId, GameId, InviteId, MembershipId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    game::Game,
    model::{
        ApplicationStatus, GameStatus, InviteStatus, MembershipStatus, RaceNameStatus, Visibility,
    },
    store::{
        applications::Application, invites::Invite, memberships::Membership, race_names::HeldName,
    },
};

/// A game with its roster counts and what its runtime said last.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Game)]
pub struct GameView {
    /// Its id.
    pub game_id: GameId,
    /// Who made it and manages it.
    pub owner_user_id: UserId,
    /// Its name.
    #[schema(example = "Orion's arm")]
    pub game_name: String,
    /// What its owner says about it.
    #[schema(example = "Slow and friendly, newcomers welcome.")]
    pub description: String,
    /// Who sees it and how it is entered.
    pub visibility: Visibility,
    /// Where it stands.
    pub status: GameStatus,
    /// Grows with every change.
    #[schema(example = 7)]
    pub version: i64,
    /// Players it needs.
    #[schema(example = 3)]
    pub min_players: i32,
    /// Players it takes.
    #[schema(example = 8)]
    pub max_players: i32,
    /// Players it has.
    #[schema(example = 5)]
    pub approved_count: i32,
    /// Until when players can apply.
    pub enrollment_ends_at: Timestamp,
    /// When turns are generated: minute, hour, day of month, month, day of week.
    #[schema(example = "0 18 * * 1-5")]
    pub turn_schedule: String,
    /// The schedule's time zone.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
    /// What kind of game it is.
    #[schema(example = "galaxy")]
    pub engine_name: String,
    /// The engine version it starts with; `null`: the newest there is then.
    #[schema(example = "1.0.0")]
    pub target_engine_version: Option<String>,
    /// What its owner chose of the options that the version has.
    #[schema(value_type = Object, example = json!({"planets_per_race": 7}))]
    pub options: serde_json::Value,
    /// The turn that is played; `null` before the first start.
    #[schema(example = 12)]
    pub current_turn: Option<i32>,
    /// What its runtime does; `null` before the first start.
    #[schema(example = "running")]
    pub runtime_status: Option<String>,
    /// When the next turn is due; `null` while none is.
    pub next_turn_at: Option<Timestamp>,
    /// Whether its engine answers: `unknown`, `healthy`, `unreachable`.
    #[schema(example = "healthy")]
    pub engine_health: Option<String>,
    /// Why the last start failed.
    pub start_failure: Option<String>,
    /// Why it is paused: `owner`, `operator`, `generation_failed`, `owner_left`.
    pub pause_reason: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When its engine first ran.
    pub started_at: Option<Timestamp>,
    /// When it finished or was cancelled.
    pub finished_at: Option<Timestamp>,
}

impl From<Game> for GameView {
    fn from(game: Game) -> Self {
        Self {
            game_id: game.game_id,
            owner_user_id: game.owner_user_id,
            game_name: game.game_name,
            description: game.description,
            visibility: game.visibility,
            status: game.status,
            version: game.version,
            min_players: game.min_players,
            max_players: game.max_players,
            approved_count: game.approved_count,
            enrollment_ends_at: game.enrollment_ends_at,
            turn_schedule: game.turn_schedule,
            time_zone: game.time_zone,
            engine_name: game.engine_name,
            target_engine_version: game.target_engine_version,
            options: game.options,
            current_turn: game.current_turn,
            runtime_status: game.runtime_status,
            next_turn_at: game.next_turn_at,
            engine_health: game.engine_health,
            start_failure: game.start_failure,
            pause_reason: game.pause_reason,
            created_at: game.created_at,
            updated_at: game.updated_at,
            started_at: game.started_at,
            finished_at: game.finished_at,
        }
    }
}

/// A request to join a game.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Application)]
pub struct ApplicationView {
    /// Its id.
    pub application_id: ApplicationId,
    /// The game.
    pub game_id: GameId,
    /// Who applied.
    pub applicant_user_id: UserId,
    /// The race applied with.
    #[schema(example = "Zorgons")]
    pub race_name: String,
    /// What the applicant says to the owner.
    #[schema(example = "I play every evening.")]
    pub message: Option<String>,
    /// What became of it.
    pub status: ApplicationStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
}

impl From<Application> for ApplicationView {
    fn from(application: Application) -> Self {
        Self {
            application_id: application.application_id,
            game_id: application.game_id,
            applicant_user_id: application.applicant_user_id,
            race_name: application.race_name,
            message: application.message,
            status: application.status,
            created_at: application.created_at,
            decided_at: application.decided_at,
        }
    }
}

/// An invitation to a game.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Invite)]
pub struct InviteView {
    /// Its id.
    pub invite_id: InviteId,
    /// The game.
    pub game_id: GameId,
    /// Whom it names; `null` for a code invite.
    pub invited_user_id: Option<UserId>,
    /// The code, shown once to the owner in the answer that creates it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "7k2m9qx4tz0c")]
    pub code: Option<String>,
    /// What became of it.
    pub status: InviteStatus,
    /// Until when it can be taken up.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it left `created`.
    pub decided_at: Option<Timestamp>,
}

impl From<Invite> for InviteView {
    fn from(invite: Invite) -> Self {
        Self {
            invite_id: invite.invite_id,
            game_id: invite.game_id,
            invited_user_id: invite.invited_user_id,
            code: None,
            status: invite.status,
            expires_at: invite.expires_at,
            created_at: invite.created_at,
            decided_at: invite.decided_at,
        }
    }
}

/// A place in a game.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Membership)]
pub struct MembershipView {
    /// Its id.
    pub membership_id: MembershipId,
    /// The game.
    pub game_id: GameId,
    /// The player.
    pub user_id: UserId,
    /// The player's race.
    #[schema(example = "Zorgons")]
    pub race_name: String,
    /// What it is.
    pub status: MembershipStatus,
    /// When the player first joined.
    pub created_at: Timestamp,
    /// When the player left.
    pub ended_at: Option<Timestamp>,
}

impl From<Membership> for MembershipView {
    fn from(member: Membership) -> Self {
        Self {
            membership_id: member.membership_id,
            game_id: member.game_id,
            user_id: member.user_id,
            race_name: member.race_name,
            status: member.status,
            created_at: member.created_at,
            ended_at: member.ended_at,
        }
    }
}

/// A held race name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = RaceName)]
pub struct RaceNameView {
    /// The name.
    #[schema(example = "Zorgons")]
    pub name: String,
    /// How it is held.
    pub status: RaceNameStatus,
    /// The game it was reserved or earned in.
    pub game_id: Option<GameId>,
    /// Until when a pending one can be registered.
    pub expires_at: Option<Timestamp>,
    /// Since when it is registered.
    pub registered_at: Option<Timestamp>,
}

impl From<HeldName> for RaceNameView {
    fn from(name: HeldName) -> Self {
        Self {
            name: name.name,
            status: name.status,
            game_id: name.game_id,
            expires_at: name.expires_at,
            registered_at: name.registered_at,
        }
    }
}
