//! Engines in containers of one Docker engine.
//!
//! A game has one container and one volume of the same name, `galaxy-<deployment>-<game>`. A container is one run of an
//! engine: it is started once, and replaced when the next epoch is to run. What takes longer than a moment goes on in
//! the background ([`jobs`]); everything that it does is repeatable, so that another manager can take over at any step.

mod config;
mod connect;
mod container;
mod credentials;
mod error;
mod events;
mod image;
mod jobs;
mod list;
mod logs;
mod names;
mod network;
mod run;
mod sight;
mod verbs;
mod volumes;

use std::{sync::Arc, time::Duration};

use bollard::Docker;
use futures_util::{FutureExt as _, future::BoxFuture};
use galaxy_core::{Clock, GameId};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Semaphore;

use self::{jobs::Jobs, names::Names, network::EngineNetwork, verbs::Work};
use crate::{
    Driver, EngineSpec, Events, Listing, LogQuery, Logs, Node, Resolved, Result, Sight, feed::Feed,
    snapshot::Kept,
};

pub use config::{DockerConfig, DockerTls, PullPolicy};

/// Containers that are made or started at once.
const AT_ONCE: usize = 8;

/// Runs engines in Docker.
pub struct DockerDriver {
    inner: Arc<Inner>,
    engines: Jobs<GameId, Work>,
    pulls: Jobs<String, ()>,
}

/// What the verbs and the work in the background share.
struct Inner {
    docker: Docker,
    /// The same, for calls that begin to answer late.
    pulls: Docker,
    config: DockerConfig,
    names: Names,
    node: Node,
    cpus: u32,
    clock: Clock,
    network: RwLock<EngineNetwork>,
    kept: Mutex<logs::KeptLogs>,
    snapshot: Kept<list::Container>,
    exits: Mutex<list::Exits>,
    events: Feed,
    turns: Semaphore,
}

impl Inner {
    fn network(&self) -> EngineNetwork {
        self.network.read().clone()
    }

    async fn renew_network(&self) -> Result<()> {
        let network = network::ensure(&self.docker, &self.config, &self.names).await?;
        *self.network.write() = network;
        Ok(())
    }
}

impl Driver for DockerDriver {
    fn node(&self) -> &Node {
        &self.inner.node
    }

    fn resolve<'a>(&'a self, image: &'a str) -> BoxFuture<'a, Result<Resolved>> {
        self.resolve_image(image).boxed()
    }

    fn apply<'a>(&'a self, spec: &'a EngineSpec) -> BoxFuture<'a, Result<Sight>> {
        self.apply_spec(spec).boxed()
    }

    fn sleep(&self, game: GameId, epoch: i64, grace: Duration) -> BoxFuture<'_, Result<Sight>> {
        self.put_to_sleep(game, epoch, grace).boxed()
    }

    fn delete_engine(&self, game: GameId, epoch: i64) -> BoxFuture<'_, Result<Sight>> {
        self.remove_engine(game, epoch).boxed()
    }

    fn delete_state(&self, game: GameId, epoch: i64) -> BoxFuture<'_, Result<()>> {
        self.remove_state(game, epoch).boxed()
    }

    fn observe(&self, game: GameId) -> BoxFuture<'_, Result<Sight>> {
        self.look(game).boxed()
    }

    fn list(&self, page: Option<String>) -> BoxFuture<'_, Result<Listing>> {
        self.list_engines(page).boxed()
    }

    fn events(&self) -> Events {
        self.inner.events.listen()
    }

    fn logs(&self, game: GameId, query: LogQuery) -> BoxFuture<'_, Result<Logs>> {
        self.inner.logs(game, query).boxed()
    }
}
