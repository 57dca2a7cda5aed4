//! Listing all engines.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    sync::Arc,
};

use bollard::{
    errors::Error,
    models::{ContainerSummary, ContainerSummaryStateEnum},
    query_parameters::{ListContainersOptionsBuilder, ListVolumesOptionsBuilder},
};
use futures_util::{StreamExt as _, stream};
use galaxy_core::GameId;

use super::{Inner, error::driver_error, names::Volume};
use crate::{
    DriverError, Exit, Listing, Result, Sight,
    snapshot::{PAGE, Snapshot, after},
};

/// Containers that are inspected at once.
const AT_ONCE: usize = 8;

/// The container of a game, if there was one.
pub(super) type Container = Option<Listed>;

#[derive(Debug, Clone)]
pub(super) struct Listed {
    id: String,
    exited: bool,
}

/// How containers ended: that does not change, and each inspection costs a call.
pub(super) type Exits = HashMap<String, Exit>;

impl Inner {
    /// See [`crate::Driver::list`].
    pub(super) async fn list(self: &Arc<Self>, page: Option<String>) -> Result<Listing> {
        let after = after(page)?;
        let kept = after.and_then(|_| self.snapshot.lock().clone());
        let snapshot = match kept {
            Some(kept) => kept,
            None => self.take_snapshot().await?,
        };
        let (games, next) = snapshot.page(after, PAGE);
        let engines: Vec<_> = stream::iter(games)
            .map(|(game, container)| self.listed(game, container))
            .buffered(AT_ONCE)
            .collect()
            .await;
        Ok(Listing {
            complete: !engines.iter().any(|(_, sight)| is_unread(sight)),
            engines,
            as_of: snapshot.as_of,
            next,
        })
    }

    async fn listed(&self, game: GameId, container: Container) -> (GameId, Sight) {
        let Some(container) = container else {
            return (game, Sight::StateOnly);
        };
        let known = self.exits.lock().get(&container.id).cloned();
        if let (true, Some(exit)) = (container.exited, known) {
            return (game, Sight::Exited(exit));
        }
        let seen = match self.observe(game).await {
            Ok(sight) => sight,
            Err(error) => Sight::Unknown(error.to_string()),
        };
        match &seen {
            Sight::Exited(exit) if container.exited => {
                self.exits.lock().insert(container.id, exit.clone());
            }
            _ => {
                self.exits.lock().remove(&container.id);
            }
        }
        (game, seen)
    }

    /// Containers first: a volume outlives the containers on it, so that a game whose container is replaced meanwhile is
    /// still there.
    async fn take_snapshot(self: &Arc<Self>) -> Result<Arc<Snapshot<Container>>> {
        let as_of = self.clock.now();
        let containers = self
            .off_thread(|inner| async move {
                let options = ListContainersOptionsBuilder::default()
                    .all(true)
                    .filters(&inner.names.engine_filter())
                    .build();
                inner.docker.list_containers(Some(options)).await
            })
            .await?;
        let volumes = self
            .off_thread(|inner| async move {
                let options = ListVolumesOptionsBuilder::default()
                    .filters(&inner.names.volume_filter(Volume::State, None))
                    .build();
                inner.docker.list_volumes(Some(options)).await
            })
            .await?;
        self.check_node().await?;
        let mut games: BTreeMap<GameId, Container> = volumes
            .volumes
            .into_iter()
            .flatten()
            .filter_map(|volume| Some((self.names.game(&volume.labels)?, None)))
            .collect();
        let containers = containers.into_iter().filter_map(|seen| self.summary(seen));
        games.extend(containers.map(|(game, container)| (game, Some(container))));
        self.forget_exits(&games);
        let snapshot = Arc::new(Snapshot { as_of, games });
        *self.snapshot.lock() = Some(snapshot.clone());
        Ok(snapshot)
    }

    fn summary(&self, container: ContainerSummary) -> Option<(GameId, Listed)> {
        let game = self.names.game(&container.labels?)?;
        let exited = container.state == Some(ContainerSummaryStateEnum::EXITED);
        let id = container.id?;
        Some((game, Listed { id, exited }))
    }

    /// Keeps the exits of containers that are still there.
    fn forget_exits(&self, games: &BTreeMap<GameId, Container>) {
        let ids: std::collections::HashSet<&str> = games
            .values()
            .flatten()
            .filter(|container| container.exited)
            .map(|container| container.id.as_str())
            .collect();
        self.exits.lock().retain(|id, _| ids.contains(id.as_str()));
    }

    /// A list of all containers is megabytes of JSON, which would hold up everything else on a thread of the runtime.
    async fn off_thread<T, F>(
        self: &Arc<Self>,
        call: impl FnOnce(Arc<Self>) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + 'static,
    {
        let (inner, runtime) = (self.clone(), tokio::runtime::Handle::current());
        tokio::task::spawn_blocking(move || runtime.block_on(call(inner)))
            .await
            .map_err(DriverError::unavailable)?
            .map_err(driver_error)
    }
}

/// Whether an engine is there, and could not be read.
fn is_unread(sight: &Sight) -> bool {
    matches!(sight, Sight::Unknown(_))
}
