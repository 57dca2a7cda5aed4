//! What every handler can reach. Cheap to clone.

use std::{ops::Deref, sync::Arc};

use galaxy_core::Clock;
use galaxy_events::Nats;
use galaxy_service::Process;
use galaxy_store::Db;

use crate::Config;

/// The application's state.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// The fields of [`App`], reached through it.
pub struct Inner {
    /// The settings.
    pub config: Config,
    /// The process around it.
    pub process: Process,
    /// The database.
    pub db: Db,
    /// The broker; absent in tests that need none.
    pub nats: Option<Nats>,
    /// The time.
    pub clock: Clock,
}

impl App {
    /// Over a migrated database.
    pub fn new(
        config: Config,
        process: Process,
        db: Db,
        nats: Option<Nats>,
    ) -> anyhow::Result<Self> {
        let clock = process.clock.clone();
        Ok(Self(Arc::new(Inner {
            config,
            process,
            db,
            nats,
            clock,
        })))
    }

    /// Makes what must exist before the first request. Running it again changes nothing.
    pub async fn bootstrap(&self) -> anyhow::Result<()> {
        galaxy_events::outbox::maintain_partitions(&self.db, self.clock.now(), 8).await?;
        Ok(())
    }
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
