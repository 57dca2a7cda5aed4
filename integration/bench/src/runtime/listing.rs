//! A driver that lists engines and does nothing else.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use galaxy_core::{Clock, GameId};
use galaxy_drivers::{
    Driver, DriverError, EngineSpec, Events, Listing, LogQuery, Logs, Node, Resolved, Result, Sight,
};

/// Engines on a page, as those of the driver `docker`.
const PAGE: usize = 200;

/// All its engines run.
pub struct Lists {
    pub node: Node,
    pub clock: Clock,
    pub engines: Vec<(GameId, Sight)>,
}

/// Nobody asks for this while all engines run.
fn refused<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T>> {
    let error = DriverError::Invalid("this driver only lists".to_owned());
    std::future::ready(Err(error)).boxed()
}

impl Driver for Lists {
    fn node(&self) -> &Node {
        &self.node
    }

    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Resolved>> {
        refused()
    }

    fn apply<'a>(&'a self, _: &'a EngineSpec) -> BoxFuture<'a, Result<Sight>> {
        refused()
    }

    fn sleep(&self, _: GameId, _: i64, _: Duration) -> BoxFuture<'_, Result<Sight>> {
        refused()
    }

    fn delete_engine(&self, _: GameId, _: i64) -> BoxFuture<'_, Result<Sight>> {
        refused()
    }

    fn delete_state(&self, _: GameId, _: i64) -> BoxFuture<'_, Result<()>> {
        refused()
    }

    fn observe(&self, _: GameId) -> BoxFuture<'_, Result<Sight>> {
        refused()
    }

    fn list(&self, page: Option<String>) -> BoxFuture<'_, Result<Listing>> {
        let number: usize = page.and_then(|page| page.parse().ok()).unwrap_or_default();
        let mut pages = self.engines.chunks(PAGE).skip(number);
        let listing = Listing {
            engines: pages.next().unwrap_or_default().to_vec(),
            complete: true,
            as_of: self.clock.now(),
            next: pages.next().map(|_| (number + 1).to_string()),
        };
        // A page that comes over a socket is waited for.
        async {
            tokio::task::yield_now().await;
            Ok(listing)
        }
        .boxed()
    }

    fn events(&self) -> Events {
        stream::pending().boxed()
    }

    fn logs(&self, _: GameId, _: LogQuery) -> BoxFuture<'_, Result<Logs>> {
        let nothing = stream::empty::<Result<Bytes>>().boxed();
        std::future::ready(Ok(nothing)).boxed()
    }
}
