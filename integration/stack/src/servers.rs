//! Postgres and NATS together, for tests.

use std::path::Path;

use anyhow::Result;
use tempfile::TempDir;

use crate::{
    nats::Nats,
    postgres::Postgres,
    server_options::{ServerOptions, temporary_dir},
    ui::Ui,
};

/// Both servers, with their data in a directory that is removed with them.
#[derive(Debug)]
pub struct Servers {
    pub postgres: Postgres,
    pub nats: Nats,
    _dir: TempDir,
}

impl Servers {
    /// Starts servers for tests on free ports. `cache` keeps fetched packages.
    pub async fn for_tests(ui: Ui, cache: &Path) -> Result<Self> {
        let dir = temporary_dir()?;
        let options = ServerOptions::for_tests(ui, cache, dir.path());
        let postgres = Postgres::provide(&options, None).await?;
        let nats = Nats::provide(&options, None).await?;
        Ok(Self {
            postgres,
            nats,
            _dir: dir,
        })
    }

    /// Stops both.
    pub async fn stop(mut self) -> Result<()> {
        let nats = self.nats.stop().await;
        self.postgres.stop().await.and(nats)
    }
}
