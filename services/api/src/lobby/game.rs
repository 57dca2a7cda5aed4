//! A game as the lobby keeps it.

use galaxy_core::{GameId, Timestamp, UserId};

use super::model::{GameStatus, Visibility};

/// A game, with its copy of what the runtime said last.
#[derive(Debug, Clone)]
pub struct Game {
    /// Its id.
    pub game_id: GameId,
    /// Who made it and manages it.
    pub owner_user_id: UserId,
    /// Its name, 3–60 characters; not unique.
    pub game_name: String,
    /// What its owner says about it, up to 2,000 characters.
    pub description: String,
    /// Who sees it.
    pub visibility: Visibility,
    /// Where it stands.
    pub status: GameStatus,
    /// Players it needs.
    pub min_players: i32,
    /// Players it takes.
    pub max_players: i32,
    /// Active members.
    pub approved_count: i32,
    /// Until when players can apply.
    pub enrollment_ends_at: Timestamp,
    /// Five-field cron.
    pub turn_schedule: String,
    /// IANA zone of the schedule.
    pub time_zone: String,
    /// The engine version it starts with; `None`: the newest there is at the start.
    pub target_engine_version: Option<String>,
    /// Grows with every change.
    pub version: i64,
    /// Why the last start failed.
    pub start_failure: Option<String>,
    /// Why it is paused: `owner`, `operator`, `generation_failed` or `owner_left`.
    pub pause_reason: Option<String>,
    /// The turn that is played.
    pub current_turn: Option<i32>,
    /// The runtime record's status.
    pub runtime_status: Option<String>,
    /// When the next turn is due.
    pub next_turn_at: Option<Timestamp>,
    /// What the health probe found.
    pub engine_health: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When its engine first ran.
    pub started_at: Option<Timestamp>,
    /// When it finished or was cancelled.
    pub finished_at: Option<Timestamp>,
    /// When operators took it over from an owner who left.
    pub handed_over_at: Option<Timestamp>,
}

#[cfg(test)]
impl Game {
    /// A draft for two to eight players, for tests of rules.
    pub fn example() -> Self {
        let at = galaxy_testkit::noon();
        Self {
            game_id: GameId::generate(),
            owner_user_id: UserId::generate(),
            game_name: "Orion".to_owned(),
            description: String::new(),
            visibility: Visibility::Public,
            status: GameStatus::Draft,
            min_players: 2,
            max_players: 8,
            approved_count: 0,
            enrollment_ends_at: at,
            turn_schedule: "0 18 * * *".to_owned(),
            time_zone: "UTC".to_owned(),
            target_engine_version: None,
            version: 1,
            start_failure: None,
            pause_reason: None,
            current_turn: None,
            runtime_status: None,
            next_turn_at: None,
            engine_health: None,
            created_at: at,
            updated_at: at,
            started_at: None,
            finished_at: None,
            handed_over_at: None,
        }
    }
}
