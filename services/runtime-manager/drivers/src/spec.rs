//! What is to run.

use std::time::Duration;

use galaxy_core::GameId;
pub use galaxy_core::Resources;
use secrecy::SecretString;

/// What to run for a game. The names of container, volume and directory follow from the game.
#[derive(Debug, Clone)]
pub struct EngineSpec {
    /// The game.
    pub game: GameId,
    /// Grows with each engine that is made for the game, from 1; 0 for engines of versions before epochs.
    pub epoch: i64,
    /// The image that [`crate::Driver::resolve`] was asked for: the version's, or its content by digest.
    pub image: String,
    /// What was answered: this is what runs.
    pub digest: String,
    /// The engine's version, for the label.
    pub version: String,
    /// Limits.
    pub resources: Resources,
    /// `ENGINE_TOKEN`: the engine answers nobody who does not know it. None for engines of versions before tokens.
    pub token: Option<SecretString>,
    /// More variables of the engine's environment, as names and values.
    pub environment: Vec<(String, String)>,
    /// Largest size of its log, in bytes. Older lines go.
    pub log_limit: u64,
    /// How long it may take to end before it is killed.
    pub grace: Duration,
}
