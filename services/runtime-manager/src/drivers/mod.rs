//! Drivers run engines: as plain processes here, in containers elsewhere. They know games and images, not operations.
//!
//! Every verb is idempotent, and there is never more than one engine of a game. To add a driver: a module that implements
//! [`Driver`], a variant of [`AnyDriver`], and its name in the settings.

pub mod process;

use std::{future::Future, sync::Arc};

use galaxy_core::GameId;
use galaxy_runtime::engine::Endpoint;
use tokio::sync::Notify;

pub use process::ProcessDriver;

/// What to run for a game.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSpec {
    /// The game, from which the engine's name follows.
    pub game_id: GameId,
    /// What to run.
    pub image_ref: String,
    /// Its version.
    pub engine_version: String,
}

/// An engine that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The driver's name of it.
    pub container_id: String,
    /// Where it is reached.
    pub endpoint: Endpoint,
}

/// What there is of a game's engine. A game of which nothing at all is left is not observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// It runs.
    Running(Instance),
    /// It runs, and has not said yet where.
    ComingUp,
    /// It ended, or was stopped; it can be started again.
    Exited,
    /// It was removed; only its state is left.
    StateOnly,
}

/// What is removed of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// The engine; it can be made anew on its state.
    KeepState,
    /// The engine and its state: for games that never began.
    Everything,
}

/// A verb that did not go through. The text is for operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DriverError {
    /// The image cannot be had.
    #[error("the engine's image cannot be had: {0}")]
    Image(String),
    /// The engine does not come up.
    #[error("the engine does not come up: {0}")]
    Start(String),
    /// What engines run on failed.
    #[error("the driver failed: {0}")]
    Failed(String),
}

/// The result of a verb.
pub type Result<T, E = DriverError> = std::result::Result<T, E>;

/// Runs engines.
pub trait Driver: Send + Sync + 'static {
    /// Makes sure that `image_ref` can be run, fetching it if it is missing.
    fn ensure_image(&self, image_ref: &str) -> impl Future<Output = Result<()>> + Send;

    /// Makes sure that the game's engine runs as `spec` says, and gives it; one that runs from something else is
    /// stopped first. State that is there is used.
    fn start(&self, spec: &EngineSpec) -> impl Future<Output = Result<Instance>> + Send;

    /// Ends the game's engine: gently, then by force. One that does not run is left alone.
    fn stop(&self, game: GameId) -> impl Future<Output = Result<()>> + Send;

    /// Stops the game's engine and removes it.
    fn remove(&self, game: GameId, what: Removal) -> impl Future<Output = Result<()>> + Send;

    /// What there is of the game's engine.
    fn inspect(&self, game: GameId) -> impl Future<Output = Result<Option<Observed>>> + Send;

    /// What there is of all engines of this deployment.
    fn list(&self) -> impl Future<Output = Result<Vec<(GameId, Observed)>>> + Send;

    /// The last `bytes` of what the engine wrote to its log.
    fn logs(&self, game: GameId, bytes: u64) -> impl Future<Output = Result<String>> + Send;

    /// A bell that rings when an engine may have come or gone. A hint, for one listener.
    fn watch(&self) -> Arc<Notify>;
}

/// The driver that the settings chose.
pub enum AnyDriver {
    /// Plain processes on this machine.
    Process(ProcessDriver),
}

impl Driver for AnyDriver {
    async fn ensure_image(&self, image_ref: &str) -> Result<()> {
        match self {
            Self::Process(driver) => driver.ensure_image(image_ref).await,
        }
    }

    async fn start(&self, spec: &EngineSpec) -> Result<Instance> {
        match self {
            Self::Process(driver) => driver.start(spec).await,
        }
    }

    async fn stop(&self, game: GameId) -> Result<()> {
        match self {
            Self::Process(driver) => driver.stop(game).await,
        }
    }

    async fn remove(&self, game: GameId, what: Removal) -> Result<()> {
        match self {
            Self::Process(driver) => driver.remove(game, what).await,
        }
    }

    async fn inspect(&self, game: GameId) -> Result<Option<Observed>> {
        match self {
            Self::Process(driver) => driver.inspect(game).await,
        }
    }

    async fn list(&self) -> Result<Vec<(GameId, Observed)>> {
        match self {
            Self::Process(driver) => driver.list().await,
        }
    }

    async fn logs(&self, game: GameId, bytes: u64) -> Result<String> {
        match self {
            Self::Process(driver) => driver.logs(game, bytes).await,
        }
    }

    fn watch(&self) -> Arc<Notify> {
        match self {
            Self::Process(driver) => driver.watch(),
        }
    }
}
