//! What all parts of the runtime manager work with.

use std::sync::Arc;

use galaxy_core::Clock;
use galaxy_runtime::engine::{EngineClient, Limits};
use galaxy_service::Process;
use galaxy_store::Db;
use jiff::SignedDuration;

use crate::{
    config::{RuntimeConfig, Timeouts},
    drivers::AnyDriver,
    metrics::Metrics,
};

/// The database, the driver, the client of engines, and what was set. Cheap to clone.
#[derive(Clone)]
pub struct Manager {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) driver: Arc<AnyDriver>,
    pub(crate) engines: EngineClient,
    pub(crate) timeouts: Timeouts,
    pub(crate) finished_grace: SignedDuration,
    pub(crate) metrics: Metrics,
    /// Tells operators which process holds an operation.
    pub(crate) owner: String,
}

impl Manager {
    /// A manager over `driver`.
    pub fn new(process: &Process, db: Db, driver: AnyDriver, config: &RuntimeConfig) -> Self {
        let limits = Limits {
            turn: config.timeouts.turn,
            probe: config.timeouts.probe,
            call: config.timeouts.call,
            ..Limits::default()
        };
        Self {
            db,
            clock: process.clock.clone(),
            driver: Arc::new(driver),
            engines: EngineClient::new(limits),
            timeouts: config.timeouts,
            finished_grace: config.finished_grace,
            metrics: Metrics::default(),
            owner: format!("{}-{}", process.name, std::process::id()),
        }
    }

    /// The driver, for tests and for operators' questions.
    pub fn driver(&self) -> &AnyDriver {
        &self.driver
    }
}
