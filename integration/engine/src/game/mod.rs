//! The rules. Everything here is a function of a [`Game`] and its input, in integers and ordered
//! collections only, so one seed and one history of orders give one state, bit for bit.
//!
//! To add a rule: state in `model`, what players may request in `actions`, what happens in `turn`,
//! who may see it in `report`.

mod actions;
mod combat;
mod create;
mod end;
mod error;
mod map;
mod model;
mod options;
mod report;
mod rng;
mod status;
mod turn;

pub use actions::{ActionError, ActionResult, ActionResults, Command, Refusal};
pub use create::{NewGame, RaceEntry};
pub use error::GameError;
pub use map::PLANETS_PER_RACE;
pub use model::{
    Event, FORMAT, Fleet, Force, Game, Happening, MAX_ACTIONS, MAX_RACES, Order, Planet, PlanetId,
    Production, Race, RaceId, Stage,
};
pub use options::{GameOptions, SCHEMA as OPTIONS_SCHEMA};
pub use report::{Course, FleetView, PlanetView, RaceView, Report, SENSOR_RANGE, Sight};
pub use status::{PlayerStatus, Status};
