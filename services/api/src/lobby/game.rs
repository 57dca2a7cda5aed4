//! A game and the rules of its life: pure, without clock, randomness or database. It uses [`model`](super::model) and
//! [`refusal`](super::refusal), which do not use it.

use galaxy_core::{GameId, Timestamp, UserId};

use super::{
    model::{Action, GameStatus, Visibility},
    refusal::Refusal,
};

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

impl Game {
    /// Takes `action` if the status allows it; nothing else changes.
    fn take(&mut self, action: Action) -> Result<(), Refusal> {
        let Some(status) = self.status.after(action) else {
            return Err(Refusal::InvalidTransition {
                status: self.status,
                action,
            });
        };
        self.status = status;
        Ok(())
    }

    /// Opens enrollment, if its end is still ahead.
    pub fn open(&mut self, now: Timestamp) -> Result<(), Refusal> {
        self.take(Action::Open)?;
        self.ahead(now)
    }

    fn ahead(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.enrollment_ends_at <= now {
            return Err(Refusal::EnrollmentEnded);
        }
        Ok(())
    }

    /// Ends enrollment, if there are players enough.
    pub fn make_ready(&mut self) -> Result<(), Refusal> {
        self.take(Action::Ready)?;
        self.enough_players()
    }

    /// Starts with the roster as it stands, if there are players enough.
    pub fn start(&mut self, action: Action) -> Result<(), Refusal> {
        self.take(action)?;
        self.start_failure = None;
        if action == Action::ForceStart {
            return if self.approved_count > 0 {
                Ok(())
            } else {
                Err(Refusal::EmptyRoster)
            };
        }
        self.enough_players()
    }

    fn enough_players(&self) -> Result<(), Refusal> {
        if self.approved_count < self.min_players {
            return Err(Refusal::NotEnoughPlayers {
                approved: self.approved_count,
                min: self.min_players,
            });
        }
        Ok(())
    }

    /// The engine is up.
    pub fn started(&mut self, now: Timestamp) -> Result<(), Refusal> {
        self.take(Action::Started)?;
        self.started_at = Some(now);
        Ok(())
    }

    /// The engine could not be brought up, for `reason`.
    pub fn start_failed(&mut self, reason: &str) -> Result<(), Refusal> {
        self.take(Action::StartFailed)?;
        self.start_failure = Some(reason.chars().take(200).collect());
        Ok(())
    }

    /// No turns until it is resumed.
    pub fn pause(&mut self, reason: &str) -> Result<(), Refusal> {
        self.take(Action::Pause)?;
        self.pause_reason = Some(reason.to_owned());
        Ok(())
    }

    /// Turns go on.
    pub fn resume(&mut self) -> Result<(), Refusal> {
        self.take(Action::Resume)?;
        self.pause_reason = None;
        Ok(())
    }

    /// Gives the game up before it runs.
    pub fn cancel(&mut self, now: Timestamp) -> Result<(), Refusal> {
        self.take(Action::Cancel)?;
        self.finished_at = Some(now);
        Ok(())
    }

    /// Comes to its end, by the engine's word or an operator's.
    pub fn finish(&mut self, action: Action, now: Timestamp) -> Result<(), Refusal> {
        self.take(action)?;
        self.finished_at = Some(now);
        Ok(())
    }

    /// Whether players can still ask to join.
    pub fn takes_applications(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.visibility == Visibility::Private {
            return Err(Refusal::InviteOnly);
        }
        self.enrolls()?;
        self.ahead(now)
    }

    /// Whether somebody can be let in.
    pub const fn enrolls(&self) -> Result<(), Refusal> {
        match self.status {
            GameStatus::EnrollmentOpen => Ok(()),
            status => Err(Refusal::EnrollmentClosed { status }),
        }
    }

    /// Lets one more player in.
    pub fn admit(&mut self) -> Result<(), Refusal> {
        self.enrolls()?;
        if self.approved_count >= self.max_players {
            return Err(Refusal::RosterFull {
                max: self.max_players,
            });
        }
        self.approved_count += 1;
        Ok(())
    }

    /// Lets one player go.
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

#[cfg(test)]
#[path = "game_tests.rs"]
mod tests;
