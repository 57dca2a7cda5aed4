//! One deadline around every call of a driver.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use galaxy_core::GameId;

use crate::{
    Driver, DriverError, EngineSpec, Events, Listing, LogQuery, Logs, Node, Resolved, Result, Sight,
};

/// A driver whose verbs return before a deadline, or with [`DriverError::TimedOut`].
#[derive(Clone)]
pub struct Bounded {
    inner: Arc<dyn Driver>,
    deadline: Duration,
}

impl Bounded {
    /// `inner`, with `deadline` for each call.
    pub fn new(inner: impl Driver, deadline: Duration) -> Self {
        Self {
            inner: Arc::new(inner),
            deadline,
        }
    }

    fn within<'a, T: Send + 'a>(
        &self,
        verb: impl Future<Output = Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        let deadline = self.deadline;
        async move {
            tokio::time::timeout(deadline, verb)
                .await
                .unwrap_or(Err(DriverError::TimedOut))
        }
        .boxed()
    }
}

impl Driver for Bounded {
    fn node(&self) -> &Node {
        self.inner.node()
    }

    fn resolve<'a>(&'a self, image: &'a str) -> BoxFuture<'a, Result<Resolved>> {
        self.within(self.inner.resolve(image))
    }

    fn apply<'a>(&'a self, spec: &'a EngineSpec) -> BoxFuture<'a, Result<Sight>> {
        self.within(self.inner.apply(spec))
    }

    fn sleep(&self, game: GameId, epoch: i64, grace: Duration) -> BoxFuture<'_, Result<Sight>> {
        self.within(self.inner.sleep(game, epoch, grace))
    }

    fn delete_engine(&self, game: GameId, epoch: i64) -> BoxFuture<'_, Result<Sight>> {
        self.within(self.inner.delete_engine(game, epoch))
    }

    fn delete_state(&self, game: GameId, epoch: i64) -> BoxFuture<'_, Result<()>> {
        self.within(self.inner.delete_state(game, epoch))
    }

    fn observe(&self, game: GameId) -> BoxFuture<'_, Result<Sight>> {
        self.within(self.inner.observe(game))
    }

    fn list(&self, page: Option<String>) -> BoxFuture<'_, Result<Listing>> {
        self.within(self.inner.list(page))
    }

    fn events(&self) -> Events {
        self.inner.events()
    }

    fn logs(&self, game: GameId, query: LogQuery) -> BoxFuture<'_, Result<Logs>> {
        self.within(self.inner.logs(game, query))
    }
}
