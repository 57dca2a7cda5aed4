//! The state of a game. It is also what is written to disk, so a change of shape needs a new
//! [`FORMAT`].

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The version of the stored state; a state of another version is refused at start-up.
pub const FORMAT: u32 = 1;
/// The largest roster this engine takes.
pub const MAX_RACES: usize = 256;
/// The most commands or orders in one request.
pub const MAX_ACTIONS: usize = 1000;

/// A race of the game: its place in [`Game::races`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RaceId(pub usize);

/// A planet of the game: its place in [`Game::planets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanetId(pub usize);

/// The whole state of a game after [`Game::turn`] turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Game {
    /// [`FORMAT`] of the engine that wrote it.
    pub format: u32,
    /// The platform's id of the game.
    pub game_id: Uuid,
    /// What the map was drawn from.
    pub seed: u64,
    /// The game ends with this turn at the latest. Fixed when the game is created.
    pub max_turns: u32,
    /// Turns generated so far; 0 right after creation.
    pub turn: u32,
    /// The end was reached: nothing changes any more.
    pub finished: bool,
    /// Who won, once finished; none if several are equal or nobody is left.
    pub winner: Option<RaceId>,
    /// In the order of the roster.
    pub races: Vec<Race>,
    /// In the order of their ids.
    pub planets: Vec<Planet>,
    /// Ships under way.
    pub fleets: Vec<Fleet>,
    /// What happened in the last turn and since.
    pub events: Vec<Event>,
}

/// A race and its records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Race {
    /// As the roster gave it; unique in the game.
    pub race_name: String,
    /// Derived from game and name: the same at every start.
    pub player_id: Uuid,
    /// Still playing: neither eliminated nor banished.
    pub active: bool,
    /// Planets at the start.
    pub initial_planets: u64,
    /// Population at the start.
    pub initial_population: u64,
    /// The most planets it ever had at the end of a turn.
    pub max_planets: u64,
    /// The largest population it ever had at the end of a turn.
    pub max_population: u64,
    /// Accepted orders for the next turn.
    pub orders: Vec<Order>,
}

/// A planet. Without an owner its `defence` are the natives' guards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planet {
    /// On the charts of every race.
    pub name: String,
    /// Position, in map units.
    pub x: i64,
    /// Position, in map units.
    pub y: i64,
    /// The largest population it can carry.
    pub size: u64,
    /// The race that holds it.
    pub owner: Option<RaceId>,
    /// Inhabitants; they do the work.
    pub population: u64,
    /// Ships in orbit, the owner's.
    pub ships: u64,
    /// Fixed defences: each fights like a ship and cannot travel.
    pub defence: u64,
    /// What the inhabitants work on.
    pub production: Production,
    /// Work done towards the next ship or defence.
    pub stock: u64,
    /// The owner's own name for it; nobody else sees it.
    pub nickname: Option<String>,
}

/// What a planet works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Production {
    /// Ships.
    Ships,
    /// Fixed defences.
    Defence,
    /// Nothing else, so that the population grows twice as fast.
    Population,
}

/// Carried out when the turn is generated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// Sends ships to another planet: to settle, to reinforce or to fight, as they find it.
    SendShips {
        /// One of the player's own.
        from: PlanetId,
        /// Any other planet.
        to: PlanetId,
        /// At least 1, at most those in orbit.
        ships: u64,
    },
    /// Sets what a planet works on, before this turn's production.
    SetProduction {
        /// One of the player's own.
        planet: PlanetId,
        /// From that turn on.
        production: Production,
    },
}

/// Ships under way. They cannot be called back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    /// Whose ships.
    pub owner: RaceId,
    /// Where they left.
    pub from: PlanetId,
    /// Where they arrive.
    pub to: PlanetId,
    /// How many, at least 1.
    pub ships: u64,
    /// The last turn that saw them in orbit.
    pub left_at: u32,
    /// The turn in which they arrive.
    pub arrives_at: u32,
}

/// Something that happened, and who sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Who sees it; none: everybody.
    pub witnesses: Option<Vec<RaceId>>,
    /// What happened.
    pub what: Happening,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Happening {
    /// A fight at a planet. Seen by all who fought.
    Battle {
        /// Where.
        planet: PlanetId,
        /// Everyone who fought and with how much.
        forces: Vec<Force>,
        /// Who was left; none: nobody, or the natives.
        winner: Option<String>,
    },
    /// A planet changed hands. Seen by both.
    PlanetTaken {
        /// Which.
        planet: PlanetId,
        /// The new owner.
        by: String,
        /// The former owner; none: it was free.
        from: Option<String>,
    },
    /// An accepted order could no longer be carried out. Seen by the race that gave it.
    OrderFailed {
        /// The order as it was given.
        order: Order,
        /// Why, as [`super::Refusal::code`] says it.
        code: String,
    },
    /// A race lost its last planet and ship. Seen by everybody.
    RaceEliminated {
        /// Which.
        race_name: String,
    },
    /// A race was taken out by the platform. Seen by everybody.
    RaceBanished {
        /// Which.
        race_name: String,
    },
}

/// A party of a battle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Force {
    /// The race; none: natives.
    pub race_name: Option<String>,
    /// Ships and fixed defences together.
    pub strength: u64,
}

/// How far a game has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Set up, no turn generated yet.
    Created,
    /// At least one turn generated.
    Running,
    /// Over.
    Finished,
}

impl Game {
    /// How far the game has come.
    pub fn stage(&self) -> Stage {
        match (self.finished, self.turn) {
            (true, _) => Stage::Finished,
            (false, 0) => Stage::Created,
            (false, _) => Stage::Running,
        }
    }

    /// The race with that player id.
    pub fn race_of(&self, player_id: Uuid) -> Option<RaceId> {
        self.races
            .iter()
            .position(|race| race.player_id == player_id)
            .map(RaceId)
    }

    /// The planets a race holds.
    pub fn planets_of(&self, race: RaceId) -> impl Iterator<Item = &Planet> {
        self.planets
            .iter()
            .filter(move |planet| planet.owner == Some(race))
    }

    /// How many planets and inhabitants a race has.
    pub fn size_of(&self, race: RaceId) -> (u64, u64) {
        self.planets_of(race)
            .fold((0, 0), |(planets, population), planet| {
                (planets + 1, population + planet.population)
            })
    }

    /// The name of a race.
    pub fn name_of(&self, race: RaceId) -> String {
        self.races[race.0].race_name.clone()
    }

    pub(super) fn record(&mut self, witnesses: Option<Vec<RaceId>>, what: Happening) {
        self.events.push(Event { witnesses, what });
    }
}
