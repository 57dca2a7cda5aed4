//! A driver of plain processes that a test can get in the way of, and that also has images of a registry.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use galaxy_core::GameId;
use galaxy_drivers::{
    Driver, EngineSpec, Events, Listing, LogQuery, Logs, Node, ProcessDriver, Resolved, Result,
    Sight,
};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Why a busy driver makes no engine.
pub const WHY: &str = "other containers are being made";
/// The content of every image of a registry.
pub const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// What such an image runs.
const PROGRAM: &str = "process:engine";

pub struct DriverDouble {
    inner: ProcessDriver,
    state: Arc<State>,
}

/// What a test sees of the driver, and does to it.
#[derive(Default)]
pub struct State {
    /// It makes no engine.
    pub busy: AtomicBool,
    /// While it is asked, it first waits for this.
    pub gate: Mutex<Option<Arc<Notify>>>,
    /// How often it was asked to make an engine.
    pub asked: AtomicUsize,
    /// The images that it was asked for, by `resolve` and by `apply`.
    pub resolved: Mutex<Vec<String>>,
    pub applied: Mutex<Vec<String>>,
}

impl DriverDouble {
    pub fn new(inner: ProcessDriver, state: &Arc<State>) -> Self {
        Self {
            inner,
            state: state.clone(),
        }
    }

    /// The spec with the program that its image of a registry means.
    async fn program(&self, spec: &EngineSpec) -> Result<EngineSpec> {
        let mut spec = spec.clone();
        if !spec.image.starts_with("process:") {
            assert_eq!(spec.digest, DIGEST);
            if let Resolved::Ready(digest) = self.inner.resolve(PROGRAM).await? {
                (spec.image, spec.digest) = (PROGRAM.to_owned(), digest);
            }
        }
        Ok(spec)
    }
}

impl Driver for DriverDouble {
    fn apply<'a>(&'a self, spec: &'a EngineSpec) -> BoxFuture<'a, Result<Sight>> {
        self.state.asked.fetch_add(1, Ordering::SeqCst);
        self.state.applied.lock().push(spec.image.clone());
        let gate = self.state.gate.lock().clone();
        async move {
            if let Some(gate) = gate {
                gate.notified().await;
            }
            if self.state.busy.load(Ordering::SeqCst) {
                let (epoch, why) = (spec.epoch, WHY.to_owned());
                return Ok(Sight::Pending { epoch, why });
            }
            self.inner.apply(&self.program(spec).await?).await
        }
        .boxed()
    }

    fn node(&self) -> &Node {
        self.inner.node()
    }

    fn resolve<'a>(&'a self, image: &'a str) -> BoxFuture<'a, Result<Resolved>> {
        self.state.resolved.lock().push(image.to_owned());
        if image.starts_with("process:") {
            return self.inner.resolve(image);
        }
        async { Ok(Resolved::Ready(DIGEST.to_owned())) }.boxed()
    }

    fn sleep(&self, game: GameId, epoch: i64, grace: Duration) -> BoxFuture<'_, Result<Sight>> {
        self.inner.sleep(game, epoch, grace)
    }

    fn delete_engine(&self, game: GameId, epoch: i64) -> BoxFuture<'_, Result<Sight>> {
        self.inner.delete_engine(game, epoch)
    }

    fn delete_state(&self, game: GameId, epoch: i64) -> BoxFuture<'_, Result<()>> {
        self.inner.delete_state(game, epoch)
    }

    fn observe(&self, game: GameId) -> BoxFuture<'_, Result<Sight>> {
        self.inner.observe(game)
    }

    fn list(&self, page: Option<String>) -> BoxFuture<'_, Result<Listing>> {
        self.inner.list(page)
    }

    fn events(&self) -> Events {
        self.inner.events()
    }

    fn logs(&self, game: GameId, query: LogQuery) -> BoxFuture<'_, Result<Logs>> {
        self.inner.logs(game, query)
    }
}
