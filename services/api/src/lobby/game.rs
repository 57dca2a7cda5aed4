//! A game and the rules of its life: pure, without clock, randomness or database. It uses [`model`](super::model) and
//! [`refusal`](super::refusal), which do not use it.

use galaxy_core::{GameId, Timestamp, UserId};
use serde_json::{Map, Value};

use super::{
    model::{Action, GameStatus, Visibility},
    refusal::Refusal,
};

/// A game, with a copy of the newest runtime snapshot.
#[derive(Debug, Clone)]
pub struct Game {
    pub game_id: GameId,
    pub owner_user_id: UserId,
    /// 3–60 characters; not unique.
    pub game_name: String,
    /// Up to 2,000 characters.
    pub description: String,
    pub visibility: Visibility,
    pub status: GameStatus,
    pub min_players: i32,
    pub max_players: i32,
    /// The number of active members.
    pub approved_count: i32,
    pub enrollment_ends_at: Timestamp,
    /// Five-field cron.
    pub turn_schedule: String,
    /// IANA zone of the schedule.
    pub time_zone: String,
    /// The kind of game.
    pub engine_name: String,
    /// The engine version to start with; `None`: the newest one.
    pub target_engine_version: Option<String>,
    /// An object, as the version's schema takes it.
    pub options: Value,
    /// Rises by one with each change.
    pub version: i64,
    pub start_failure: Option<String>,
    /// `owner`, `operator`, `generation_failed` or `owner_left`.
    pub pause_reason: Option<String>,
    pub current_turn: Option<i32>,
    /// The runtime record's status.
    pub runtime_status: Option<String>,
    pub next_turn_at: Option<Timestamp>,
    /// `unknown`, `healthy` or `unreachable`.
    pub engine_health: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub started_at: Option<Timestamp>,
    /// Also set by a cancellation.
    pub finished_at: Option<Timestamp>,
    /// When the owner left and operators took the game over.
    pub handed_over_at: Option<Timestamp>,
}

impl Game {
    /// The options; the column is checked to hold an object.
    pub fn options_object(&self) -> Map<String, Value> {
        self.options.as_object().cloned().unwrap_or_default()
    }

    /// Sets the status after `action`, if the present one allows it.
    fn transition(&mut self, action: Action) -> Result<(), Refusal> {
        let Some(status) = self.status.after(action) else {
            return Err(Refusal::InvalidTransition {
                status: self.status,
                action,
            });
        };
        self.status = status;
        Ok(())
    }

    /// Opens enrollment, if its end is in the future.
    pub fn open(&mut self, now: Timestamp) -> Result<(), Refusal> {
        self.transition(Action::Open)?;
        self.check_enrollment_end(now)
    }

    fn check_enrollment_end(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.enrollment_ends_at <= now {
            return Err(Refusal::EnrollmentEnded);
        }
        Ok(())
    }

    /// Ends enrollment, if there are enough players.
    pub fn make_ready(&mut self) -> Result<(), Refusal> {
        self.transition(Action::Ready)?;
        self.check_minimum()
    }

    /// Starts with the present roster, if there are enough players.
    pub fn start(&mut self, action: Action) -> Result<(), Refusal> {
        self.transition(action)?;
        self.start_failure = None;
        if action == Action::ForceStart {
            return if self.approved_count > 0 {
                Ok(())
            } else {
                Err(Refusal::EmptyRoster)
            };
        }
        self.check_minimum()
    }

    fn check_minimum(&self) -> Result<(), Refusal> {
        if self.approved_count < self.min_players {
            return Err(Refusal::NotEnoughPlayers {
                approved: self.approved_count,
                min: self.min_players,
            });
        }
        Ok(())
    }

    /// The engine runs.
    pub fn started(&mut self, now: Timestamp) -> Result<(), Refusal> {
        self.transition(Action::Started)?;
        self.started_at = Some(now);
        Ok(())
    }

    /// The engine could not be started, for `reason`.
    pub fn start_failed(&mut self, reason: &str) -> Result<(), Refusal> {
        self.transition(Action::StartFailed)?;
        self.start_failure = Some(reason.chars().take(200).collect());
        Ok(())
    }

    pub fn pause(&mut self, reason: &str) -> Result<(), Refusal> {
        self.transition(Action::Pause)?;
        self.pause_reason = Some(reason.to_owned());
        Ok(())
    }

    pub fn resume(&mut self) -> Result<(), Refusal> {
        self.transition(Action::Resume)?;
        self.pause_reason = None;
        Ok(())
    }

    pub fn cancel(&mut self, now: Timestamp) -> Result<(), Refusal> {
        self.transition(Action::Cancel)?;
        self.finished_at = Some(now);
        Ok(())
    }

    /// Ends the game, by `Action::Finish` or `Action::ForceStop`.
    pub fn finish(&mut self, action: Action, now: Timestamp) -> Result<(), Refusal> {
        self.transition(action)?;
        self.finished_at = Some(now);
        Ok(())
    }

    /// Refuses applications to a private game and after the end of enrollment.
    pub fn check_applications(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.visibility == Visibility::Private {
            return Err(Refusal::InviteOnly);
        }
        self.check_enrolling()?;
        self.check_enrollment_end(now)
    }

    /// Refuses new players unless the game enrolls.
    pub const fn check_enrolling(&self) -> Result<(), Refusal> {
        match self.status {
            GameStatus::EnrollmentOpen => Ok(()),
            status => Err(Refusal::EnrollmentClosed { status }),
        }
    }

    /// Adds a player to the roster.
    pub fn admit(&mut self) -> Result<(), Refusal> {
        self.check_enrolling()?;
        if self.approved_count >= self.max_players {
            return Err(Refusal::RosterFull {
                max: self.max_players,
            });
        }
        self.approved_count += 1;
        Ok(())
    }

    /// Removes a player from the roster.
    pub const fn dismiss(&mut self) -> Result<(), Refusal> {
        if self.status.is_over() {
            return Err(Refusal::GameOver {
                status: self.status,
            });
        }
        self.approved_count -= 1;
        Ok(())
    }
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
            engine_name: "galaxy".to_owned(),
            target_engine_version: None,
            options: Value::Object(Map::new()),
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

#[cfg(test)]
#[path = "game_tests.rs"]
mod tests;
