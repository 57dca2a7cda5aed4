//! A driver that has much to do: what waits for it holds no slot, and the engine's own time begins when it is done.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use galaxy_core::GameId;
use galaxy_drivers::{
    Driver, EngineSpec, Events, Listing, LogQuery, Logs, Node, ProcessDriver, Resolved, Result,
    Sight,
};
use galaxy_store::worker::Queue as _;
use jiff::SignedDuration;
use sqlx::PgPool;

use crate::stage::Stage;

const WHY: &str = "other containers are being made";

/// Makes no engine while it is busy.
struct Busy {
    inner: ProcessDriver,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    free: AtomicBool,
    /// How often it was asked to make an engine.
    asked: AtomicUsize,
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_start_that_waits_for_the_driver_gives_its_slot_back_at_once(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let (state, [control, ..]) = busy(&stage);
    let game = stage.queued_game().await;
    for claimed in control.claim(1).await.unwrap() {
        control.work(claimed).await;
    }
    let asked = state.asked.load(Ordering::SeqCst);
    assert_eq!(asked, 1, "nobody looks on");
    let start = stage.last_operation(&game).await;
    assert_eq!(start.status.as_str(), "queued");
    assert_eq!(start.waiting_for.as_deref(), Some(WHY));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_time_that_the_driver_takes_is_not_the_engines(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let (state, lanes) = busy(&stage);
    let game = stage.queued_game().await;
    for _ in 0..5 {
        for claimed in lanes[0].claim(1).await.unwrap() {
            lanes[0].work(claimed).await;
        }
        stage.pass(SignedDuration::from_mins(2));
    }
    assert_eq!(stage.record(&game).await.status.as_str(), "starting");
    state.free.store(true, Ordering::SeqCst);
    stage.work_with(&[&lanes[0], &lanes[1], &lanes[2]]).await;
    assert_eq!(stage.record(&game).await.status.as_str(), "running");
    let start = stage.last_operation(&game).await;
    assert_eq!((start.attempt, start.error), (0, None), "no try was spent");
}

fn busy(stage: &Stage) -> (Arc<State>, [galaxy_runtime_manager::worker::Operations; 3]) {
    let shared = Arc::new(State::default());
    let (_, lanes) = stage.with_driver(|inner| Busy {
        inner,
        state: shared.clone(),
    });
    (shared, lanes)
}

impl Driver for Busy {
    fn apply<'a>(&'a self, spec: &'a EngineSpec) -> BoxFuture<'a, Result<Sight>> {
        self.state.asked.fetch_add(1, Ordering::SeqCst);
        if self.state.free.load(Ordering::SeqCst) {
            return self.inner.apply(spec);
        }
        let (epoch, why) = (spec.epoch, WHY.to_owned());
        Box::pin(async move { Ok(Sight::Pending { epoch, why }) })
    }

    fn node(&self) -> &Node {
        self.inner.node()
    }

    fn resolve<'a>(&'a self, image: &'a str) -> BoxFuture<'a, Result<Resolved>> {
        self.inner.resolve(image)
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
