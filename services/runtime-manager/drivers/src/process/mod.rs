//! Engines as plain processes of this machine, for development without a container engine. Needs Linux's `/proc`.
//!
//! An image is `process:engine` (the configured program) or `process:` and an absolute path. A program runs where it is, so
//! one that was changed since it was resolved runs as it is now. Limits of memory, processor and processes are not kept.
//!
//! An engine leads a process group of its own and outlives the runtime manager. It is known by its pid and start time, which
//! are noted in the game's directory ([`home`]) right after the spawn; if the note was lost, by its `ENGINE_STATE_DIR`
//! ([`environment`]). Several managers may use one directory: what changes a game is done under a lock on its directory
//! ([`lock`]), and what a verb needs to know is read from there each time. Only what `/proc` can tell again is kept in memory
//! ([`known`]).

mod durable;
mod ending;
mod environment;
mod home;
mod known;
mod lock;
mod log;
mod look;
mod place;
mod procfs;
mod program;
mod root;
mod socket;
mod spawn;
mod verbs;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use galaxy_core::{Clock, GameId};
use galaxy_service::Tasks;

use self::place::Place;
use crate::{
    Driver, DriverError, EngineSpec, Events, Listing, LogQuery, Logs, Node, Resolved, Result, Sight,
};

/// How engines run as plain processes.
#[derive(Debug, Clone)]
pub struct ProcessConfig {
    /// Keeps the engines of deployments on one machine apart: the name of a directory in `directory`.
    pub deployment: String,
    /// Holds a directory for each deployment, and in it one for each game.
    pub directory: PathBuf,
    /// The program that `process:engine` means.
    pub binary: PathBuf,
    /// How long an engine that is to be deleted may take to end before it is killed.
    pub stop_timeout: Duration,
}

/// Runs engines as child processes.
pub struct ProcessDriver {
    node: Node,
    place: Arc<Place>,
}

impl ProcessDriver {
    /// Makes the deployment's directory and its id file if they are missing. Background work runs in `tasks` and ends when
    /// they drain; engines go on.
    pub fn new(config: ProcessConfig, tasks: &Tasks, clock: Clock) -> io::Result<Self> {
        let place = Place::open(config, tasks, clock)?;
        Ok(Self {
            node: place.node()?,
            place: Arc::new(place),
        })
    }

    /// Does `work`, which touches files, on a thread that may block. It is done to its end even if nobody waits any more.
    fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Place>) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        let place = self.place.clone();
        async move {
            tokio::task::spawn_blocking(move || work(&place))
                .await
                .unwrap_or_else(|panic| Err(DriverError::unavailable(panic)))
        }
        .boxed()
    }
}

impl Driver for ProcessDriver {
    fn node(&self) -> &Node {
        &self.node
    }

    fn resolve<'a>(&'a self, image: &'a str) -> BoxFuture<'a, Result<Resolved>> {
        let image = image.to_owned();
        self.blocking(move |place| Ok(Resolved::Ready(place.programs.digest(&image)?)))
    }

    fn apply<'a>(&'a self, spec: &'a EngineSpec) -> BoxFuture<'a, Result<Sight>> {
        let spec = spec.clone();
        self.blocking(move |place| place.apply(&spec))
    }

    fn sleep(&self, game: GameId, epoch: i64, grace: Duration) -> BoxFuture<'_, Result<Sight>> {
        self.blocking(move |place| place.sleep(game, epoch, grace))
    }

    fn delete_engine(&self, game: GameId, epoch: i64) -> BoxFuture<'_, Result<Sight>> {
        self.blocking(move |place| place.delete_engine(game, epoch))
    }

    fn delete_state(&self, game: GameId, epoch: i64) -> BoxFuture<'_, Result<()>> {
        self.blocking(move |place| place.delete_state(game, epoch))
    }

    fn observe(&self, game: GameId) -> BoxFuture<'_, Result<Sight>> {
        self.blocking(move |place| place.observe(game))
    }

    fn list(&self, page: Option<String>) -> BoxFuture<'_, Result<Listing>> {
        self.blocking(move |place| place.list(page.as_deref()))
    }

    fn events(&self) -> Events {
        self.place.events.listen()
    }

    fn logs(&self, game: GameId, query: LogQuery) -> BoxFuture<'_, Result<Logs>> {
        self.blocking(move |place| {
            let lines = place.logs(game, query)?;
            Ok(stream::iter(lines.into_iter().map(Ok)).boxed())
        })
    }
}
