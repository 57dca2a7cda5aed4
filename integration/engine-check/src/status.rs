//! A status and what must be true of every one.

use std::collections::BTreeSet;

use serde::Deserialize;
use uuid::Uuid;

use crate::{Check, call::Answer};

/// The fields that the platform reads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Status {
    pub game_id: Uuid,
    pub turn: u32,
    pub stage: Stage,
    pub players: Vec<Player>,
    #[serde(default)]
    pub capabilities: Vec<String>,
    #[serde(default)]
    pub generating: bool,
    #[serde(default)]
    pub failed: Option<Failed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    Created,
    Running,
    Finished,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Failed {
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Player {
    pub race_name: String,
    #[serde(rename = "player_id")]
    pub id: Uuid,
    pub planets: u32,
    pub population: u64,
    pub max_planets: u32,
    pub max_population: u64,
    pub initial_planets: u32,
    pub initial_population: u64,
    pub active: bool,
}

impl Status {
    /// The status in an answer.
    pub fn read(answer: &Answer, status: u16) -> Check<Self> {
        let body = answer.expect(status)?;
        serde_json::from_value(body)
            .map_err(|error| answer.say(&format!("is no status: {error}; see the schema Status")))
    }

    /// Names and ids, which never change.
    pub fn roster(&self) -> Vec<(&str, Uuid)> {
        self.players
            .iter()
            .map(|player| (&player.race_name[..], player.id))
            .collect()
    }

    /// Whether it is a status of this game with these races.
    pub fn is_of(&self, game_id: Uuid, races: &[&str]) -> Check {
        if self.game_id != game_id {
            return Err(format!(
                "the status is of game {}, not of {game_id}",
                self.game_id
            ));
        }
        let names: Vec<&str> = self.roster().into_iter().map(|(name, _)| name).collect();
        if names != races {
            return Err(format!(
                "the status has the races {names:?}; it must have {races:?} in this order, the banished too"
            ));
        }
        let ids: BTreeSet<Uuid> = self.roster().into_iter().map(|(_, id)| id).collect();
        if ids.len() != races.len() {
            return Err("two races have the same player_id; each needs its own".to_owned());
        }
        self.has_sound_counts()
    }

    fn has_sound_counts(&self) -> Check {
        for player in &self.players {
            if player.max_planets < player.initial_planets
                || player.max_population < player.initial_population
            {
                return Err(format!(
                    "{} has maxima below its initial counts; the platform decides by them who may keep a name",
                    player.race_name
                ));
            }
        }
        Ok(())
    }

    /// Whether the other has the same names and ids.
    pub fn keeps_roster_of(&self, before: &Self) -> Check {
        if self.roster() == before.roster() {
            return Ok(());
        }
        Err(format!(
            "names or ids of the players changed, from {:?} to {:?}; the platform refuses such a status",
            before.roster(),
            self.roster()
        ))
    }
}
