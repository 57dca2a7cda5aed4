//! The platform's view: how far the game is and how large every race is.

use serde::Serialize;
use uuid::Uuid;

use super::model::{Game, RaceId, Stage};

/// The game in brief, for the platform; players never see it whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The platform's id of the game.
    pub game_id: Uuid,
    /// Turns generated so far.
    pub turn: u32,
    /// How far it has come.
    pub stage: Stage,
    /// In the order of the roster.
    pub players: Vec<PlayerStatus>,
}

/// One race in brief.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlayerStatus {
    /// As the roster gave it.
    pub race_name: String,
    /// What the platform names the race by in commands, orders and reports.
    pub player_id: Uuid,
    /// Planets it holds.
    pub planets: u64,
    /// Inhabitants of these.
    pub population: u64,
    /// The most planets at the end of any turn.
    pub max_planets: u64,
    /// The largest population at the end of any turn.
    pub max_population: u64,
    /// Planets at the start.
    pub initial_planets: u64,
    /// Population at the start.
    pub initial_population: u64,
    /// Neither eliminated nor banished.
    pub active: bool,
}

impl Game {
    /// The game in brief.
    pub fn status(&self) -> Status {
        Status {
            game_id: self.game_id,
            turn: self.turn,
            stage: self.stage(),
            players: (0..self.races.len())
                .map(|race| self.player_status(RaceId(race)))
                .collect(),
        }
    }

    fn player_status(&self, id: RaceId) -> PlayerStatus {
        let race = &self.races[id.0];
        let (planets, population) = self.size_of(id);
        PlayerStatus {
            race_name: race.race_name.clone(),
            player_id: race.player_id,
            planets,
            population,
            max_planets: race.max_planets,
            max_population: race.max_population,
            initial_planets: race.initial_planets,
            initial_population: race.initial_population,
            active: race.active,
        }
    }
}
