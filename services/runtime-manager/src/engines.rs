//! Bringing an engine up until it answers.

use std::time::Duration;

use galaxy_core::GameId;
use galaxy_runtime::{
    Record,
    engine::{Endpoint, EngineError},
    outcome::EngineUp,
};
use tokio::time::Instant;

use crate::{
    Manager,
    drivers::{Driver as _, DriverError, EngineSpec},
};

/// How long to wait between two looks at an engine that comes up.
const GLANCE: Duration = Duration::from_millis(20);

/// An engine that did not come up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BringUpError {
    #[error(transparent)]
    Driver(#[from] DriverError),
    #[error("it does not answer: {0}")]
    Unhealthy(EngineError),
}

impl Manager {
    /// Makes sure that the engine runs as `spec` says and answers.
    pub(crate) async fn bring_up(&self, spec: &EngineSpec) -> Result<EngineUp, BringUpError> {
        self.driver.ensure_image(&spec.image_ref).await?;
        let instance = self.driver.start(spec).await?;
        self.wait_until_healthy(&instance.endpoint).await?;
        Ok(EngineUp {
            container_id: instance.container_id,
            endpoint: instance.endpoint,
            image_ref: spec.image_ref.clone(),
            engine_version: spec.engine_version.clone(),
        })
    }

    /// Whether the engine of `game` answers there. When an engine has ended, its port may be that of another game's.
    pub(crate) async fn plays(&self, engine: &Endpoint, game: GameId) -> Result<bool, EngineError> {
        match self.engines.status(engine).await {
            Ok(status) => Ok(status.game_id == game),
            Err(EngineError::Unreachable(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn wait_until_healthy(&self, engine: &Endpoint) -> Result<(), BringUpError> {
        let deadline = Instant::now() + self.timeouts.start;
        loop {
            match self.engines.healthz(engine).await {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() >= deadline => {
                    return Err(BringUpError::Unhealthy(error));
                }
                Err(_) => tokio::time::sleep(GLANCE).await,
            }
        }
    }
}

/// What the record says is to run.
pub(crate) fn spec_of(record: &Record) -> EngineSpec {
    EngineSpec {
        game_id: record.game_id,
        image_ref: record.image_ref.clone().unwrap_or_default(),
        engine_version: record.engine_version.clone().unwrap_or_default(),
    }
}
