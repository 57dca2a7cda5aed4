//! What players request. A command is carried out at once, an order when the turn is generated;
//! both touch only what is the player's own, so that the order among players never matters.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    error::GameError,
    map::distance_squared,
    model::{Fleet, Game, MAX_ACTIONS, Order, Planet, PlanetId, Production, RaceId},
};

/// Map units a ship travels in a turn.
const SPEED: u64 = 10;
const MAX_NICKNAME_CHARS: usize = 32;

/// Carried out at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Sets what a planet works on.
    SetProduction {
        /// One of the player's own.
        planet: PlanetId,
        /// From now on.
        production: Production,
    },
    /// Gives a planet a name that only its owner sees.
    NicknamePlanet {
        /// One of the player's own.
        planet: PlanetId,
        /// 1 to 32 characters; null takes the name away.
        nickname: Option<String>,
    },
}

/// Why one command or order cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such planet.
    #[error("there is no planet {}", .0.0)]
    UnknownPlanet(PlanetId),
    /// The planet belongs to somebody else or to nobody.
    #[error("planet {} is not yours", .0.0)]
    NotYourPlanet(PlanetId),
    /// Start and destination are one.
    #[error("the ships are already at planet {}", .0.0)]
    AlreadyThere(PlanetId),
    /// Zero ships.
    #[error("send at least one ship")]
    NoShips,
    /// More ships than there are.
    #[error("planet {} has {there} ships left", .planet.0)]
    NotEnoughShips {
        /// Where.
        planet: PlanetId,
        /// How many there are.
        there: u64,
    },
    /// Blank, too long, or with control characters.
    #[error("a nickname has 1 to {MAX_NICKNAME_CHARS} characters and no control characters")]
    BadNickname,
}

impl Refusal {
    /// The code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownPlanet(_) => "unknown_planet",
            Self::NotYourPlanet(_) => "not_your_planet",
            Self::AlreadyThere(_) => "already_there",
            Self::NoShips => "no_ships",
            Self::NotEnoughShips { .. } => "not_enough_ships",
            Self::BadNickname => "bad_nickname",
        }
    }
}

/// What became of each command or order, in the order of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionResults {
    /// Whose.
    pub player_id: Uuid,
    /// Commands: the current turn. Orders: the turn that will carry them out.
    pub turn: u32,
    /// One for each command or order.
    pub results: Vec<ActionResult>,
}

/// What became of one command or order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionResult {
    /// Carried out, or stored for the turn.
    pub ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ActionError>,
}

/// A [`Refusal`] as players read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionError {
    /// For programs.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl From<Result<(), Refusal>> for ActionResult {
    fn from(result: Result<(), Refusal>) -> Self {
        let error = result.err().map(|no| ActionError {
            code: no.code(),
            message: no.to_string(),
        });
        Self {
            ok: error.is_none(),
            error,
        }
    }
}

impl Game {
    /// Carries commands out, each by itself: a refused one does not stop those after it.
    pub fn command(
        &mut self,
        player: Uuid,
        commands: &[Command],
    ) -> Result<ActionResults, GameError> {
        let race = self.playing(player, commands.len())?;
        let results = commands
            .iter()
            .map(|command| self.run_command(race, command).into());
        Ok(ActionResults {
            player_id: player,
            results: results.collect(),
            turn: self.turn,
        })
    }

    /// Replaces the player's orders for the next turn by those of the list that can be carried out
    /// as things stand, one after the other. An empty list takes all orders back.
    pub fn order(&mut self, player: Uuid, orders: Vec<Order>) -> Result<ActionResults, GameError> {
        let race = self.playing(player, orders.len())?;
        let mut trial = self.clone();
        let mut results = Vec::with_capacity(orders.len());
        self.races[race.0].orders.clear();
        for order in orders {
            let result = trial.run_order(race, &order);
            if result.is_ok() {
                self.races[race.0].orders.push(order);
            }
            results.push(result.into());
        }
        Ok(ActionResults {
            player_id: player,
            turn: self.turn + 1,
            results,
        })
    }

    fn playing(&self, player: Uuid, actions: usize) -> Result<RaceId, GameError> {
        let race = self.race_of(player).ok_or(GameError::UnknownPlayer)?;
        if self.finished {
            return Err(GameError::GameFinished);
        }
        if !self.races[race.0].active {
            return Err(GameError::RaceInactive);
        }
        if actions > MAX_ACTIONS {
            return Err(GameError::TooManyActions { given: actions });
        }
        Ok(race)
    }

    fn run_command(&mut self, race: RaceId, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::SetProduction { planet, production } => {
                self.own_planet(race, *planet)?.production = *production;
            }
            Command::NicknamePlanet { planet, nickname } => {
                if nickname.as_deref().is_some_and(|name| !is_nickname(name)) {
                    return Err(Refusal::BadNickname);
                }
                self.own_planet(race, *planet)?
                    .nickname
                    .clone_from(nickname);
            }
        }
        Ok(())
    }

    pub(super) fn run_order(&mut self, race: RaceId, order: &Order) -> Result<(), Refusal> {
        match *order {
            Order::SendShips { from, to, ships } => self.send_ships(race, from, to, ships)?,
            Order::SetProduction { planet, production } => {
                self.own_planet(race, planet)?.production = production;
            }
        }
        Ok(())
    }

    fn send_ships(
        &mut self,
        race: RaceId,
        from: PlanetId,
        to: PlanetId,
        ships: u64,
    ) -> Result<(), Refusal> {
        let target = self
            .planets
            .get(to.0)
            .ok_or(Refusal::UnknownPlanet(to))?
            .clone();
        let start = self.own_planet(race, from)?;
        match ships {
            _ if from == to => return Err(Refusal::AlreadyThere(from)),
            0 => return Err(Refusal::NoShips),
            _ if ships > start.ships => {
                return Err(Refusal::NotEnoughShips {
                    planet: from,
                    there: start.ships,
                });
            }
            _ => start.ships -= ships,
        }
        let turns = travel_turns(start, &target);
        let left_at = self.turn;
        self.fleets.push(Fleet {
            owner: race,
            from,
            to,
            ships,
            left_at,
            arrives_at: left_at.saturating_add(turns),
        });
        Ok(())
    }

    fn own_planet(&mut self, race: RaceId, id: PlanetId) -> Result<&mut Planet, Refusal> {
        let planet = self
            .planets
            .get_mut(id.0)
            .ok_or(Refusal::UnknownPlanet(id))?;
        if planet.owner == Some(race) {
            Ok(planet)
        } else {
            Err(Refusal::NotYourPlanet(id))
        }
    }
}

fn is_nickname(name: &str) -> bool {
    !name.trim().is_empty()
        && name.chars().count() <= MAX_NICKNAME_CHARS
        && !name.chars().any(char::is_control)
}

/// Full turns from one planet to another, at least 1.
fn travel_turns(from: &Planet, to: &Planet) -> u32 {
    let turns = distance_squared(from, to).isqrt().div_ceil(SPEED);
    u32::try_from(turns.max(1)).unwrap_or(u32::MAX)
}
