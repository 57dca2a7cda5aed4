//! What all parts of the runtime manager work with.

use std::time::Duration;

use galaxy_core::{Clock, GameId};
use galaxy_drivers::{Bounded, Driver};
use galaxy_runtime::{
    NewNode,
    engine::{EngineClient, Limits},
};
use galaxy_service::Process;
use galaxy_store::Db;
use jiff::SignedDuration;

use crate::{
    changes::Changes,
    config::{RuntimeConfig, Timeouts},
    driver::printable_end,
    metrics::Metrics,
};

/// The database, the driver, the client of engines, and what was set. Cheap to clone.
#[derive(Clone)]
pub struct Manager {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) driver: Bounded,
    pub(crate) engines: EngineClient,
    pub(crate) timeouts: Timeouts,
    pub(crate) finished_grace: SignedDuration,
    pub(crate) log_limit: u64,
    pub(crate) metrics: Metrics,
    pub(crate) changes: Changes,
    /// The node that the driver runs engines on.
    pub(crate) node: NewNode,
    /// Tells operators which process holds an operation.
    pub(crate) owner: String,
}

impl Manager {
    /// A manager over `driver`.
    pub fn new(process: &Process, db: Db, driver: impl Driver, config: &RuntimeConfig) -> Self {
        let limits = Limits {
            turn: config.timeouts.turn,
            probe: config.timeouts.probe,
            call: config.timeouts.call,
            ..Limits::default()
        };
        let node = driver.node();
        let node = NewNode {
            node_id: node.id.clone(),
            driver: node.driver,
            name: node.name.chars().take(200).collect(),
            capacity: config.node.capacity,
        };
        Self {
            db,
            clock: process.clock.clone(),
            driver: Bounded::new(driver, config.timeouts.driver),
            engines: EngineClient::new(limits),
            timeouts: config.timeouts,
            finished_grace: config.finished_grace,
            log_limit: config.log_limit,
            metrics: Metrics::default(),
            changes: Changes::default(),
            node,
            owner: format!("{}-{}", process.name, std::process::id()),
        }
    }

    /// The driver, for tests and for operators' questions.
    pub fn driver(&self) -> &Bounded {
        &self.driver
    }

    /// The node, as its heartbeat tells it.
    pub fn node(&self) -> &NewNode {
        &self.node
    }

    /// The last lines of the engine's log, printable and bounded; empty if there are none, or the driver cannot tell.
    pub(crate) async fn log_tail(&self, game: GameId) -> String {
        match self.read_log(game, LOG_LINES, false).await {
            Ok(log) => printable_end(&log, LOG_BYTES).trim().to_owned(),
            Err(error) => {
                tracing::debug!(%error, "an engine's log cannot be read");
                String::new()
            }
        }
    }
}

/// Lines of a log that go with an incident.
const LOG_LINES: u32 = 20;
/// The most of these lines, in bytes from their end.
const LOG_BYTES: usize = 2_000;
/// How long to wait between two looks at an engine that comes or goes.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(50);
