//! Making, ending and removing the container of an engine.

use std::time::Duration;

use bollard::{
    models::ContainerCreateBody,
    query_parameters::{
        CreateContainerOptionsBuilder, KillContainerOptionsBuilder, WaitContainerOptionsBuilder,
    },
};
use futures_util::StreamExt as _;
use galaxy_core::GameId;
use tokio::sync::SemaphorePermit;

use super::{
    Inner, container,
    error::{driver_error, is_conflict, is_missing},
    jobs::Progress,
    sight::{Found, Step},
    volumes::forced,
};
use crate::{DriverError, EngineSpec, Result, Sight};

/// How often a container that somebody else changes is looked at again.
const ROUNDS: usize = 30;

/// How long another hand may take until what it does can be seen: a name is taken before there is a container.
const OTHER_HAND: Duration = Duration::from_millis(200);

/// How long the kernel may take to end a process that was killed.
const KILL_LIMIT: Duration = Duration::from_secs(30);

impl Inner {
    /// The container that has the name of the game's engine.
    pub(super) async fn inspect(&self, game: GameId) -> Result<Option<Found>> {
        let name = self.names.engine(game);
        match self.docker.inspect_container(&name, None).await {
            Ok(container) => {
                let network = self.network();
                Ok(Some(Found::new(container, game, &self.names, &network)))
            }
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(driver_error(error)),
        }
    }

    /// What there is of the game.
    pub(super) async fn observe(&self, game: GameId) -> Result<Sight> {
        if let Some(found) = self.inspect(game).await? {
            return Ok(found.sight(&self.network()));
        }
        self.check_node().await?;
        Ok(if self.has_state(game).await? {
            Sight::StateOnly
        } else {
            Sight::Absent
        })
    }

    /// Makes it so that `spec` holds, whatever is there, also beside another manager.
    pub(super) async fn bring_up(&self, spec: &EngineSpec, progress: &Progress) -> Result<()> {
        for _ in 0..ROUNDS {
            let found = self.inspect(spec.game).await?;
            match (step(found.as_ref(), spec), found) {
                (Step::Keep, _) => return Ok(()),
                (Step::Fenced(found), _) => return Err(DriverError::Fenced { found }),
                (Step::Foreign, _) => return Err(foreign()),
                (Step::Make, _) | (_, None) => {
                    let _turn = self.turn(progress).await?;
                    progress.send_replace("the container is being made".to_owned());
                    self.make(spec).await?;
                }
                (Step::Start, Some(found)) => {
                    let _turn = self.turn(progress).await?;
                    progress.send_replace("the container is being started".to_owned());
                    return self.start(spec, &found.id).await;
                }
                (Step::Replace, Some(found)) => {
                    progress.send_replace("an older engine is being ended".to_owned());
                    self.replace(spec, &found).await?;
                }
            }
        }
        Err(DriverError::unavailable(
            "somebody else keeps changing the container",
        ))
    }

    /// Waits until fewer than [`super::AT_ONCE`] containers are being made or started. Docker does not get more of them done
    /// by doing all at once; it only gets all of them done late.
    async fn turn(&self, progress: &Progress) -> Result<SemaphorePermit<'_>> {
        progress.send_replace("other containers are being made".to_owned());
        let turn = self.turns.acquire().await;
        turn.map_err(DriverError::unavailable)
    }

    /// The newer epoch is remembered before the older one is forgotten.
    async fn replace(&self, spec: &EngineSpec, found: &Found) -> Result<()> {
        self.runnable(&spec.image, &spec.digest).await?;
        if found.runs() {
            self.end(&found.id, spec.grace).await?;
        }
        self.remove(spec.game, found).await?;
        self.remember_epoch(spec.game, spec.epoch).await?;
        match found.tags.as_ref().map(|tags| tags.epoch) {
            Some(epoch) if epoch != spec.epoch => self.forget_epoch(spec.game, epoch).await,
            _ => Ok(()),
        }
    }

    /// A name that is taken is nobody's fault: the next look shows by whom.
    async fn make(&self, spec: &EngineSpec) -> Result<()> {
        let image = self.runnable(&spec.image, &spec.digest).await?;
        self.check_epoch(spec.game, spec.epoch).await?;
        let body = self.body(spec, &image)?;
        self.make_volumes(spec.game, spec.epoch).await?;
        let options = CreateContainerOptionsBuilder::default()
            .name(&self.names.engine(spec.game))
            .build();
        match self.docker.create_container(Some(options), body).await {
            Ok(_) => Ok(()),
            Err(error) if is_conflict(&error) => {
                tokio::time::sleep(OTHER_HAND).await;
                Ok(())
            }
            Err(error) => Err(driver_error(error)),
        }
    }

    /// Errors: [`DriverError::Invalid`] for a spec that cannot be kept.
    pub(super) fn body(&self, spec: &EngineSpec, image: &str) -> Result<ContainerCreateBody> {
        container::body(spec, image, &self.names, &self.network(), self.cpus)
    }

    async fn start(&self, spec: &EngineSpec, id: &str) -> Result<()> {
        let image = self.runnable(&spec.image, &spec.digest).await?;
        self.own_state(id, &image, spec.game).await?;
        match self.docker.start_container(id, None).await {
            Ok(()) => Ok(()),
            // The container names a network that is gone; the next one is made on the new network.
            Err(error) if is_missing(&error) && error.to_string().contains("network") => {
                self.renew_network().await?;
                let removed = self.docker.remove_container(id, Some(forced())).await;
                removed.map_err(driver_error)?;
                Err(DriverError::unavailable(
                    "the network of engines was removed, and made again",
                ))
            }
            Err(error) => Err(driver_error(error)),
        }
    }

    /// Asks the container to end, and kills it after `grace`.
    pub(super) async fn end(&self, id: &str, grace: Duration) -> Result<()> {
        self.signal(id, "SIGTERM").await?;
        if self.has_ended(id, grace).await? {
            return Ok(());
        }
        self.kill(id).await
    }

    /// Kills the container, and waits until it is dead.
    pub(super) async fn kill(&self, id: &str) -> Result<()> {
        self.signal(id, "SIGKILL").await?;
        if self.has_ended(id, KILL_LIMIT).await? {
            return Ok(());
        }
        Err(DriverError::unavailable(
            "the engine was killed, and still runs",
        ))
    }

    /// Removes a container that has ended, and keeps the end of its log.
    pub(super) async fn remove(&self, game: GameId, found: &Found) -> Result<()> {
        if !found.unstarted {
            self.keep_log(game, &found.id).await;
        }
        match self
            .docker
            .remove_container(&found.id, Some(forced()))
            .await
        {
            // A conflict: somebody else removes it.
            Err(error) if !is_missing(&error) && !is_conflict(&error) => Err(driver_error(error)),
            _ => Ok(()),
        }
    }

    pub(super) async fn signal(&self, id: &str, signal: &str) -> Result<()> {
        let options = KillContainerOptionsBuilder::default()
            .signal(signal)
            .build();
        match self.docker.kill_container(id, Some(options)).await {
            // It is gone, or does not run.
            Err(error) if !is_missing(&error) && !is_conflict(&error) => Err(driver_error(error)),
            _ => Ok(()),
        }
    }

    async fn has_ended(&self, id: &str, limit: Duration) -> Result<bool> {
        let options = WaitContainerOptionsBuilder::default()
            .condition("not-running")
            .build();
        let mut ended = Box::pin(self.docker.wait_container(id, Some(options)));
        match tokio::time::timeout(limit, ended.next()).await {
            Err(_) => Ok(false),
            Ok(Some(Err(error))) if !is_exit(&error) => Err(driver_error(error)),
            Ok(_) => Ok(true),
        }
    }
}

/// What is to be done so that `spec` holds.
pub(super) fn step(found: Option<&Found>, spec: &EngineSpec) -> Step {
    found.map_or(Step::Make, |found| found.step(spec))
}

pub(super) fn foreign() -> DriverError {
    DriverError::invalid("a container that is not an engine of this game has its name")
}

/// An exit status other than 0 comes as an error.
fn is_exit(error: &bollard::errors::Error) -> bool {
    matches!(
        error,
        bollard::errors::Error::DockerContainerWaitError { .. }
    ) || is_missing(error)
}
