//! A runtime manager in this process, with a database of its own and real engines.

use std::time::Duration;

use anyhow::{Context, Result};
use galaxy_core::Clock;
use galaxy_events::{Nats, NatsConfig};
use galaxy_runtime::versions;
use galaxy_runtime_manager::{config::RuntimeConfig, run};
use galaxy_service::{Process, Readiness, Section, Tasks, Vars};
use galaxy_stack::{
    Driver, Engines,
    docker::{engine_image::TestImage, reach},
    naming,
};
use galaxy_store::{Db, MigrateMode, PostgresConfig, Topic};
use tempfile::TempDir;
use tokio::runtime::Handle;

use super::Options;
use crate::{database, threads};

/// How long the manager's loops may take to end.
pub const DRAIN: Duration = Duration::from_secs(15);

/// A runtime manager, and the database as an `api` has it.
pub struct Host {
    pub driver: Driver,
    pub db: Db,
    pub clock: Clock,
    pub database_url: String,
    process: Process,
    server_url: String,
    engines: Engines,
    /// Of engines that are processes.
    _directory: TempDir,
    _image: Option<TestImage>,
}

impl Host {
    /// Starts it over a fresh database. The image of the engine is made here, the program of the engine is beside this one.
    pub async fn start(options: &Options, served: &Handle, driver: Driver) -> Result<Self> {
        let database = database_name(driver);
        database::make(&options.postgres_url, &database).await?;
        let url = naming(&options.postgres_url, &database);
        let image = match driver {
            Driver::Docker => Some(
                TestImage::make(&[])
                    .context("cargo xtask up --driver docker builds the static engine")?,
            ),
            Driver::Process => None,
        };
        let image_ref = image
            .as_ref()
            .map_or_else(|| driver.image(), |image| image.name().to_owned());
        let directory = tempfile::tempdir()?;
        let engines = Engines::new(
            driver,
            directory.path().to_owned(),
            format!("bench-{}", std::process::id()),
        );
        let docker = match driver {
            Driver::Docker => reach::host()?,
            Driver::Process => String::new(),
        };
        let settings = [
            ("BACKEND_POSTGRES_URL", url.clone()),
            ("BACKEND_NATS_URL", options.nats_url.clone()),
            ("BACKEND_MIGRATE", "apply".to_owned()),
            ("BACKEND_RUNTIME_DRIVER", driver.to_string()),
            ("BACKEND_DOCKER_HOST", docker),
            ("BACKEND_DEPLOYMENT_ID", engines.deployment.clone()),
            ("BACKEND_ENGINE_NETWORK", engines.in_docker().network()),
            (
                "BACKEND_ENGINE_PROCESS_DIR",
                directory.path().display().to_string(),
            ),
        ];
        let process = process();
        let config = config(settings)?;
        let (nats, running) = (config.nats.clone(), process.clone());
        let db = threads::on(served, async move {
            run::start(config, running.clone()).await?;
            api_like(&url, &nats, &running).await
        })
        .await?;
        offer(&db, &process.clock, &image_ref).await?;
        Ok(Self {
            driver,
            db,
            clock: process.clock.clone(),
            database_url: naming(&options.postgres_url, &database),
            process,
            server_url: options.postgres_url.clone(),
            engines,
            _directory: directory,
            _image: image,
        })
    }

    /// Ends the manager, then its engines.
    pub async fn stop(self) -> Result<()> {
        self.process.tasks.shut_down(DRAIN).await;
        self.db.pool().close().await;
        let engines = self.engines;
        let killed = tokio::task::spawn_blocking(move || engines.kill()).await?;
        let name = database_name(self.driver);
        killed.and(database::remove(&self.server_url, &name).await)
    }
}

fn database_name(driver: Driver) -> String {
    format!("bench_runtime_{driver}")
}

/// A process with the system's clock.
pub fn process() -> Process {
    Process {
        name: "bench",
        clock: Clock::system(),
        tasks: Tasks::new(),
        readiness: Readiness::default(),
    }
}

/// A runtime manager's settings: what is given and not empty, else the defaults.
pub fn config<const N: usize>(settings: [(&'static str, String); N]) -> Result<RuntimeConfig> {
    let mut vars = Vars::from_lookup(move |name| {
        let given = settings.iter().find(|(other, _)| *other == name);
        given
            .map(|(_, value)| value.clone())
            .filter(|value| !value.is_empty())
    });
    RuntimeConfig::read(&mut vars).with_context(|| {
        format!(
            "the bench's own settings are not right: {:?}",
            vars.problems()
        )
    })
}

/// The database with wake-ups of other processes, as an `api` has it.
async fn api_like(url: &str, nats: &NatsConfig, process: &Process) -> Result<Db> {
    let db = connect(url, process).await?;
    let nats = Nats::connect(nats, process).await?;
    nats.publish_wakeups(process, &db, &[Topic::Runtime]);
    Ok(db)
}

/// Connects to the database and migrates it.
pub async fn connect(url: &str, process: &Process) -> Result<Db> {
    let postgres = PostgresConfig {
        migrate: MigrateMode::Apply,
        // It also makes millions of rows at once.
        statement_timeout: Duration::ZERO,
        ..PostgresConfig::new(url.to_owned(), 16)
    };
    Db::connect(&postgres, process).await
}

/// Offers the reference engine.
pub async fn offer(db: &Db, clock: &Clock, image: &str) -> Result<()> {
    let mut connection = db.acquire().await?;
    versions::insert_bootstrap(&mut connection, "0.1.0", image, clock.now()).await?;
    Ok(())
}
