//! A driver that has much to do: what waits for it holds no slot, and the engine's own time begins when it is done.

use std::sync::{Arc, atomic::Ordering};

use galaxy_runtime_manager::worker::Operations;
use galaxy_store::worker::Queue as _;
use jiff::SignedDuration;
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::{
    driver_double::{DriverDouble, State, WHY},
    stage::Stage,
};

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
async fn a_change_before_the_operation_is_parked_wakes_it_as_well(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let (state, gate) = (Arc::new(State::default()), Arc::new(Notify::new()));
    state.busy.store(true, Ordering::SeqCst);
    *state.gate.lock() = Some(gate.clone());
    let (manager, [control, ..]) = stage.with_driver(|inner| DriverDouble::new(inner, &state));
    let game = stage.queued_game().await;
    let claimed = control.claim(1).await.unwrap().remove(0);
    let told = async {
        while state.asked.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        manager.engine_changed(game.id).await.unwrap();
        gate.notify_one();
    };
    tokio::join!(control.work(claimed), told);
    let start = stage.last_operation(&game).await;
    assert_eq!(start.waiting_for.as_deref(), Some(WHY));
    assert_eq!(control.claim(1).await.unwrap().len(), 1, "it is due");
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
    state.busy.store(false, Ordering::SeqCst);
    stage.work_with(&[&lanes[0], &lanes[1], &lanes[2]]).await;
    assert_eq!(stage.record(&game).await.status.as_str(), "running");
    let start = stage.last_operation(&game).await;
    assert_eq!((start.attempt, start.error), (0, None), "no try was spent");
}

fn busy(stage: &Stage) -> (Arc<State>, [Operations; 3]) {
    let shared = Arc::new(State::default());
    shared.busy.store(true, Ordering::SeqCst);
    let (_, lanes) = stage.with_driver(|inner| DriverDouble::new(inner, &shared));
    (shared, lanes)
}
