//! What the owner of a game may choose. [`SCHEMA`] says the same to the platform.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::error::GameError;

/// JSON Schema of [`GameOptions`], as operators register it with a version of this engine.
pub const SCHEMA: &str = include_str!("../../options.schema.json");

const PLANETS: RangeInclusive<usize> = 3..=12;
const TURNS: RangeInclusive<u32> = 1..=1000;

/// The options of a game; what is absent is as the engine has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GameOptions {
    /// Planets on the map for each race, its home included, 3 to 12.
    #[serde(default)]
    pub planets_per_race: Option<usize>,
    /// The game ends with this turn at the latest, 1 to 1,000.
    #[serde(default)]
    pub max_turns: Option<u32>,
}

impl GameOptions {
    pub(super) fn check(self) -> Result<(), GameError> {
        let wrong = |option, min, max| Err(GameError::Options { option, min, max });
        if self.planets_per_race.is_some_and(|n| !PLANETS.contains(&n)) {
            return wrong("planets_per_race", 3, 12);
        }
        if self.max_turns.is_some_and(|n| !TURNS.contains(&n)) {
            return wrong("max_turns", 1, 1000);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_schema_takes_what_the_engine_takes() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        for options in [
            json!({}),
            json!({"planets_per_race": 3}),
            json!({"planets_per_race": 12, "max_turns": 1000}),
            json!({"planets_per_race": 2}),
            json!({"planets_per_race": 13}),
            json!({"max_turns": 0}),
            json!({"max_turns": 1001}),
            json!({"max_turns": "5"}),
            json!({"colour": "red"}),
        ] {
            let read: Result<GameOptions, _> = serde_json::from_value(options.clone());
            let taken = read.is_ok_and(|options| options.check().is_ok());
            assert_eq!(jsonschema::is_valid(&schema, &options), taken, "{options}");
        }
    }
}
