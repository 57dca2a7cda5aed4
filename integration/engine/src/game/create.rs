//! A new game from a roster.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::{
    error::GameError,
    map::{self, PLANETS_PER_RACE},
    model::{FORMAT, Game, MAX_RACES, Race, RaceId},
    options::GameOptions,
};

const MAX_NAME_CHARS: usize = 64;

/// What a game is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewGame {
    /// The platform's id of the game.
    pub game_id: Uuid,
    /// Any number; the map is drawn from it.
    pub seed: u64,
    /// Who plays: 1 to [`MAX_RACES`], names unique.
    pub races: Vec<RaceEntry>,
    /// What the game's owner chose.
    #[serde(default)]
    pub options: GameOptions,
}

/// A line of the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RaceEntry {
    /// 1 to 64 characters, no control characters, not blank.
    pub race_name: String,
}

impl Game {
    /// Sets a game up: map, homes, players. It ends with turn `max_turns` at the latest, unless its options say another.
    pub fn create(new: &NewGame, max_turns: u32) -> Result<Self, GameError> {
        check_roster(&new.races)?;
        new.options.check()?;
        let planets_per_race = new.options.planets_per_race.unwrap_or(PLANETS_PER_RACE);
        let mut game = Self {
            format: FORMAT,
            game_id: new.game_id,
            seed: new.seed,
            max_turns: new.options.max_turns.unwrap_or(max_turns),
            turn: 0,
            finished: false,
            winner: None,
            races: new
                .races
                .iter()
                .map(|entry| race(new.game_id, &entry.race_name))
                .collect(),
            planets: map::draw(new.seed, new.races.len(), planets_per_race),
            fleets: Vec::new(),
            events: Vec::new(),
        };
        for id in (0..game.races.len()).map(RaceId) {
            let (planets, population) = game.size_of(id);
            let race = &mut game.races[id.0];
            (race.initial_planets, race.max_planets) = (planets, planets);
            (race.initial_population, race.max_population) = (population, population);
        }
        Ok(game)
    }

    /// Whether a repeated request is for this game. Seed and options may differ: a caller that lost the answer
    /// to the first request may have lost them too, and the first ones count.
    pub fn is_same(&self, new: &NewGame) -> Result<(), GameError> {
        if self.game_id != new.game_id {
            return Err(GameError::OtherGame {
                playing: self.game_id,
            });
        }
        let ours = self.races.iter().map(|race| &race.race_name);
        if ours.eq(new.races.iter().map(|entry| &entry.race_name)) {
            Ok(())
        } else {
            Err(GameError::OtherRoster)
        }
    }
}

fn check_roster(races: &[RaceEntry]) -> Result<(), GameError> {
    if races.is_empty() || races.len() > MAX_RACES {
        return Err(GameError::RosterSize { races: races.len() });
    }
    let mut names: Vec<&str> = races.iter().map(|entry| entry.race_name.as_str()).collect();
    if names.iter().any(|name| !is_name(name)) {
        return Err(GameError::RaceName);
    }
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(GameError::DoubleRace);
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    !name.trim().is_empty()
        && name.chars().count() <= MAX_NAME_CHARS
        && !name.chars().any(char::is_control)
}

fn race(game_id: Uuid, race_name: &str) -> Race {
    Race {
        race_name: race_name.to_owned(),
        player_id: player_id(game_id, race_name),
        active: true,
        initial_planets: 0,
        initial_population: 0,
        max_planets: 0,
        max_population: 0,
        orders: Vec::new(),
    }
}

/// A UUIDv8 (RFC 9562, 5.8): the first 128 bits of SHA-256 over game id and race name.
fn player_id(game_id: Uuid, race_name: &str) -> Uuid {
    let hash = Sha256::new_with_prefix(game_id.as_bytes())
        .chain_update(race_name)
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(names: &[&str]) -> NewGame {
        let races = names
            .iter()
            .map(|&name| RaceEntry {
                race_name: name.into(),
            })
            .collect();
        NewGame {
            game_id: Uuid::from_u128(1),
            seed: 1,
            races,
            options: GameOptions::default(),
        }
    }

    #[test]
    fn a_player_keeps_its_id_in_a_game_and_has_another_in_the_next() {
        let game = Game::create(&roster(&["Terrans", "Zorgons"]), 60).unwrap();
        let again = Game::create(&roster(&["Zorgons", "Terrans"]), 60).unwrap();
        assert_eq!(game.races[0].player_id, again.races[1].player_id);
        assert_ne!(game.races[0].player_id, game.races[1].player_id);
        let other = NewGame {
            game_id: Uuid::from_u128(2),
            ..roster(&["Terrans"])
        };
        let other = Game::create(&other, 60).unwrap();
        assert_ne!(game.races[0].player_id, other.races[0].player_id);
    }

    #[test]
    fn options_make_another_game() {
        let made = |options| {
            let new = NewGame {
                options,
                ..roster(&["A", "B", "C"])
            };
            Game::create(&new, 60)
        };
        let plain = made(GameOptions::default()).unwrap();
        assert_eq!((plain.planets.len(), plain.max_turns), (15, 60));
        let large = GameOptions {
            planets_per_race: Some(12),
            max_turns: Some(5),
        };
        let large = made(large).unwrap();
        assert_eq!((large.planets.len(), large.max_turns), (36, 5));
        for (planets_per_race, max_turns) in [(Some(2), None), (Some(13), None), (None, Some(0))] {
            let options = GameOptions {
                planets_per_race,
                max_turns,
            };
            assert!(matches!(made(options), Err(GameError::Options { .. })));
        }
    }

    #[test]
    fn a_bad_roster_is_refused() {
        let long = "x".repeat(65);
        let many: Vec<String> = (0..=MAX_RACES).map(|n| format!("race {n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for names in [
            &[][..],
            &[""],
            &["  "],
            &["a\u{7}b"],
            &[&long],
            &["A", "A"],
            &many,
        ] {
            assert!(Game::create(&roster(names), 60).is_err(), "{names:?}");
        }
    }

    #[test]
    fn a_repeated_request_is_known_by_its_game_and_roster() {
        let game = Game::create(&roster(&["A", "B"]), 60).unwrap();
        assert_eq!(
            game.is_same(&NewGame {
                seed: 99,
                ..roster(&["A", "B"])
            }),
            Ok(())
        );
        assert_eq!(
            game.is_same(&roster(&["A", "C"])),
            Err(GameError::OtherRoster)
        );
        assert_eq!(game.is_same(&roster(&["A"])), Err(GameError::OtherRoster));
        let other = NewGame {
            game_id: Uuid::from_u128(2),
            ..roster(&["A", "B"])
        };
        assert_eq!(
            game.is_same(&other),
            Err(GameError::OtherGame {
                playing: game.game_id
            })
        );
    }
}
