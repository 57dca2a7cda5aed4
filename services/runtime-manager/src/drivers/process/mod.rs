//! Engines as plain processes of this machine, for development without a container engine. Needs Linux's `/proc`.
//!
//! An engine is in a process group of its own and outlives the runtime manager, which finds it again by what it noted in
//! the game's directory ([`home`]) and, if that was lost, by its arguments ([`procfs`]). Before a signal is sent, the
//! process is made sure to be that engine.

mod home;
mod procfs;
mod spawn;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use galaxy_core::GameId;
use galaxy_service::Tasks;
use rustix::process::Signal;
use tokio::{sync::Notify, time::Instant};

use self::{home::Home, procfs::Running};
use super::{Driver, DriverError, EngineSpec, Instance, Observed, Removal, Result};
use crate::config::ProcessConfig;

/// How often a process is looked at while it comes or goes.
const GLANCE: Duration = Duration::from_millis(10);

/// Runs engines as child processes.
pub struct ProcessDriver {
    config: ProcessConfig,
    root: PathBuf,
    tasks: Tasks,
    changed: Arc<Notify>,
}

impl ProcessDriver {
    /// Makes the deployment's directory if it is missing.
    pub fn new(config: ProcessConfig, tasks: &Tasks) -> io::Result<Self> {
        let root = config.directory.join(&config.deployment);
        std::fs::create_dir_all(&root)?;
        Ok(Self {
            root: root.canonicalize()?,
            config,
            tasks: tasks.clone(),
            changed: Arc::new(Notify::new()),
        })
    }

    fn home(&self, game: GameId) -> Home {
        Home::new(self.root.join(game.to_string()))
    }

    fn program(&self, image_ref: &str) -> Result<PathBuf> {
        match image_ref.strip_prefix("process:") {
            Some("engine") => Ok(self.config.binary.clone()),
            Some(path) if path.starts_with('/') => Ok(PathBuf::from(path)),
            _ => Err(DriverError::Image(format!(
                "{image_ref} is neither process:engine nor process: with an absolute path, which is all that runs without containers"
            ))),
        }
    }

    /// Starts the engine and leaves a task that takes note of its end.
    async fn spawn(&self, home: &Home, spec: &EngineSpec) -> Result<()> {
        let program = self.program(&spec.image_ref)?;
        let mut child = spawn::engine(&program, home, spec)
            .await
            .map_err(|error| DriverError::Start(format!("{}: {error}", program.display())))?;
        let (changed, draining) = (self.changed.clone(), self.tasks.draining());
        let game = spec.game_id;
        self.tasks.spawn("engine", async move {
            // Dropped when this process drains: the engine goes on without us.
            tokio::select! {
                ended = child.wait() => {
                    let status = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
                    tracing::info!(game_id = %game, status, "an engine ended");
                    changed.notify_one();
                }
                () = draining.cancelled() => {}
            }
        });
        Ok(())
    }

    /// Waits until the engine has said where it listens.
    async fn wait_until_up(&self, home: &Home) -> Result<Instance> {
        let deadline = Instant::now() + self.config.start_timeout;
        loop {
            let Some(running) = home.running() else {
                return Err(DriverError::Start(format!(
                    "it ended at once: {}",
                    home.log_tail(2_000)
                )));
            };
            if let Some(instance) = home.instance(&running) {
                return Ok(instance);
            }
            if Instant::now() >= deadline {
                return Err(DriverError::Start(format!(
                    "it does not say where it listens: {}",
                    home.log_tail(2_000)
                )));
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    async fn end(&self, home: &Home, running: &Running) -> Result<()> {
        running.signal(Signal::TERM).map_err(failed)?;
        if !gone_within(home, self.config.stop_timeout).await {
            tracing::warn!(pid = running.pid(), "an engine does not end; killing it");
            running.signal(Signal::KILL).map_err(failed)?;
            if !gone_within(home, Duration::from_secs(5)).await {
                return Err(DriverError::Failed(format!(
                    "process {} cannot be killed",
                    running.pid()
                )));
            }
        }
        Ok(())
    }
}

impl Driver for ProcessDriver {
    async fn ensure_image(&self, image_ref: &str) -> Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let program = self.program(image_ref)?;
        match tokio::fs::metadata(&program).await {
            Ok(file) if file.is_file() && file.permissions().mode() & 0o111 != 0 => Ok(()),
            Ok(_) => Err(DriverError::Image(format!(
                "{} is not a program",
                program.display()
            ))),
            Err(error) => Err(DriverError::Image(format!(
                "{}: {error}",
                program.display()
            ))),
        }
    }

    async fn start(&self, spec: &EngineSpec) -> Result<Instance> {
        let home = self.home(spec.game_id);
        if let Some(running) = home.running() {
            if home.runs(spec) {
                return self.wait_until_up(&home).await;
            }
            self.end(&home, &running).await?;
        }
        self.spawn(&home, spec).await?;
        self.wait_until_up(&home).await
    }

    async fn stop(&self, game: GameId) -> Result<()> {
        let home = self.home(game);
        match home.running() {
            Some(running) => self.end(&home, &running).await,
            None => Ok(()),
        }
    }

    async fn remove(&self, game: GameId, what: Removal) -> Result<()> {
        self.stop(game).await?;
        self.home(game).remove(what).map_err(failed)
    }

    async fn inspect(&self, game: GameId) -> Result<Option<Observed>> {
        Ok(self.home(game).observe())
    }

    async fn list(&self) -> Result<Vec<(GameId, Observed)>> {
        let root = self.root.clone();
        let list = move || home::list(&root);
        tokio::task::spawn_blocking(list)
            .await
            .map_err(failed)?
            .map_err(failed)
    }

    async fn logs(&self, game: GameId, bytes: u64) -> Result<String> {
        Ok(self.home(game).log_tail(bytes))
    }

    fn watch(&self) -> Arc<Notify> {
        self.changed.clone()
    }
}

async fn gone_within(home: &Home, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while home.running().is_some() {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(GLANCE).await;
    }
    true
}

fn failed(error: impl std::fmt::Display) -> DriverError {
    DriverError::Failed(error.to_string())
}
