//! Fog of war: what one race sees of the game. A planet view has no field that its reader may not
//! know, so nothing hidden can slip out by a forgotten filter.

use serde::Serialize;
use uuid::Uuid;

use super::{
    error::GameError,
    map::distance_squared,
    model::{Fleet, Game, Happening, Order, Planet, PlanetId, Production, RaceId, Stage},
};

/// How far a race sees around its planets, in map units.
pub const SENSOR_RANGE: u64 = 25;

/// A player's view of a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The platform's id of the game.
    pub game_id: Uuid,
    /// The turn shown.
    pub turn: u32,
    /// How far the game had come.
    pub stage: Stage,
    /// The game ends with this turn at the latest.
    pub max_turns: u32,
    /// Who won, once there is a winner.
    pub winner: Option<String>,
    /// Whose view it is.
    pub player_id: Uuid,
    /// The reader's race.
    pub race_name: String,
    /// All races; who plays is no secret.
    pub races: Vec<RaceView>,
    /// All planets, each as far as it is seen.
    pub planets: Vec<PlanetView>,
    /// Ships under way: all of the reader's, others within sight.
    pub fleets: Vec<FleetView>,
    /// The reader's orders for the next turn.
    pub orders: Vec<Order>,
    /// What the reader learned with this turn.
    pub events: Vec<Happening>,
}

/// A race as everybody knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RaceView {
    /// Its name.
    pub race_name: String,
    /// Whether it still plays.
    pub active: bool,
}

/// A planet as far as the reader sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanetView {
    /// What commands and orders name it by.
    pub planet: PlanetId,
    /// On everybody's charts.
    pub name: String,
    /// Position, in map units.
    pub x: i64,
    /// Position, in map units.
    pub y: i64,
    /// The largest population it can carry.
    pub size: u64,
    /// What more is known.
    #[serde(flatten)]
    pub sight: Sight,
}

/// What is known of a planet beside its place on the charts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "visibility", rename_all = "snake_case")]
pub enum Sight {
    /// Nothing more.
    Charted,
    /// Within sensor range of one of the reader's planets.
    Seen {
        /// Its race; null: nobody.
        owner: Option<String>,
        /// Inhabitants.
        population: u64,
        /// Ships in orbit.
        ships: u64,
        /// Fixed defences.
        defence: u64,
    },
    /// The reader's own.
    Own {
        /// The reader's race.
        owner: String,
        /// The reader's name for it.
        nickname: Option<String>,
        /// Inhabitants.
        population: u64,
        /// Ships in orbit.
        ships: u64,
        /// Fixed defences.
        defence: u64,
        /// What they work on.
        production: Production,
        /// Work done towards the next piece.
        stock: u64,
    },
}

/// Ships under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FleetView {
    /// Whose.
    pub owner: String,
    /// How many.
    pub ships: u64,
    /// Where they are, in map units.
    pub x: i64,
    /// Where they are, in map units.
    pub y: i64,
    /// Course; only of the reader's own.
    #[serde(flatten)]
    pub course: Option<Course>,
}

/// Where a fleet comes from and goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Course {
    /// Where they left.
    pub from: PlanetId,
    /// Where they go.
    pub to: PlanetId,
    /// The turn of their arrival.
    pub arrives_at: u32,
}

impl Game {
    /// What that player sees.
    pub fn report(&self, player: Uuid) -> Result<Report, GameError> {
        let id = self.race_of(player).ok_or(GameError::UnknownPlayer)?;
        let race = &self.races[id.0];
        let own: Vec<&Planet> = self.planets_of(id).collect();
        let fleets = self
            .fleets
            .iter()
            .filter_map(|fleet| self.fleet_view(id, &own, fleet));
        let visible = self.events.iter().filter(|event| {
            event
                .witnesses
                .as_ref()
                .is_none_or(|witnesses| witnesses.contains(&id))
        });
        Ok(Report {
            game_id: self.game_id,
            turn: self.turn,
            stage: self.stage(),
            max_turns: self.max_turns,
            winner: self.winner.map(|winner| self.name_of(winner)),
            player_id: player,
            race_name: race.race_name.clone(),
            races: self
                .races
                .iter()
                .map(|race| RaceView {
                    race_name: race.race_name.clone(),
                    active: race.active,
                })
                .collect(),
            planets: (0..self.planets.len())
                .map(|planet| self.planet_view(id, &own, PlanetId(planet)))
                .collect(),
            fleets: fleets.collect(),
            orders: race.orders.clone(),
            events: visible.map(|event| event.what.clone()).collect(),
        })
    }

    fn planet_view(&self, reader: RaceId, own: &[&Planet], id: PlanetId) -> PlanetView {
        let planet = &self.planets[id.0];
        let &Planet {
            population,
            ships,
            defence,
            production,
            stock,
            ..
        } = planet;
        let sight = if planet.owner == Some(reader) {
            let (owner, nickname) = (self.name_of(reader), planet.nickname.clone());
            Sight::Own {
                owner,
                nickname,
                population,
                ships,
                defence,
                production,
                stock,
            }
        } else if own
            .iter()
            .any(|post| in_range(distance_squared(post, planet)))
        {
            let owner = planet.owner.map(|race| self.name_of(race));
            Sight::Seen {
                owner,
                population,
                ships,
                defence,
            }
        } else {
            Sight::Charted
        };
        PlanetView {
            planet: id,
            name: planet.name.clone(),
            x: planet.x,
            y: planet.y,
            size: planet.size,
            sight,
        }
    }

    fn fleet_view(&self, reader: RaceId, own: &[&Planet], fleet: &Fleet) -> Option<FleetView> {
        let (x, y) = self.position(fleet);
        let mine = fleet.owner == reader;
        let from = |post: &&Planet| in_range(post.x.abs_diff(x).pow(2) + post.y.abs_diff(y).pow(2));
        (mine || own.iter().any(from)).then(|| FleetView {
            owner: self.name_of(fleet.owner),
            ships: fleet.ships,
            x,
            y,
            course: mine.then_some(Course {
                from: fleet.from,
                to: fleet.to,
                arrives_at: fleet.arrives_at,
            }),
        })
    }

    /// On the straight line, rounded towards the start.
    fn position(&self, fleet: &Fleet) -> (i64, i64) {
        let (from, to) = (&self.planets[fleet.from.0], &self.planets[fleet.to.0]);
        let total = i64::from(fleet.arrives_at.saturating_sub(fleet.left_at)).max(1);
        let done = i64::from(self.turn.saturating_sub(fleet.left_at)).min(total);
        let along = |from: i64, to: i64| from + (to - from) * done / total;
        (along(from.x, to.x), along(from.y, to.y))
    }
}

fn in_range(distance_squared: u64) -> bool {
    distance_squared <= SENSOR_RANGE * SENSOR_RANGE
}
