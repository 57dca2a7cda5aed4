//! The watch: three misses make an engine unreachable, one answer brings it back, each told once; a hung engine is replaced.

use std::time::Duration;

use galaxy_core::{EngineHealth, Incident, RuntimeStatus};
use galaxy_events::catalogue::runtime::{EngineIncident, EngineRecovered, EngineUnreachable};
use galaxy_runtime_manager::node::{Watch, watch::Watcher};
use jiff::SignedDuration;
use rustix::process::Signal;
use sqlx::PgPool;

use crate::stage::{SHORT, Stage};

const INTERVAL: SignedDuration = SignedDuration::from_secs(10);

fn watcher(stage: &Stage) -> Watcher {
    let hung_after = stage.config.node.hung_after;
    Watcher::new(stage.manager.clone(), Watch::default(), hung_after)
}

async fn probe(stage: &Stage, watcher: &Watcher) {
    stage.pass(INTERVAL);
    watcher.round(Duration::ZERO).await.unwrap();
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_engine_that_hangs_is_told_once_and_so_is_its_return(pool: PgPool) {
    let stage = Stage::with_limit(pool, SHORT).await;
    let game = stage.game().await;
    let watcher = watcher(&stage);
    probe(&stage, &watcher).await;
    stage.signal(&game, Signal::STOP);
    probe(&stage, &watcher).await;
    probe(&stage, &watcher).await;
    let record = stage.record(&game).await;
    assert_eq!(
        record.engine_health,
        EngineHealth::Healthy,
        "two misses are not three"
    );
    probe(&stage, &watcher).await;
    probe(&stage, &watcher).await;
    let record = stage.record(&game).await;
    assert_eq!(record.engine_health, EngineHealth::Unreachable);
    assert_eq!(record.status, RuntimeStatus::EngineUnreachable);
    assert_eq!(stage.world.events::<EngineUnreachable>().await.len(), 1);

    stage.signal(&game, Signal::CONT);
    probe(&stage, &watcher).await;
    let record = stage.record(&game).await;
    assert_eq!(
        (record.engine_health, record.status),
        (EngineHealth::Healthy, RuntimeStatus::Running)
    );
    assert_eq!(stage.world.events::<EngineRecovered>().await.len(), 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn probes_of_an_engine_that_answers_write_nothing(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    let before = stage.record(&game).await;
    let watcher = watcher(&stage);
    for _ in 0..3 {
        probe(&stage, &watcher).await;
    }
    assert_eq!(stage.record(&game).await, before);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_engine_that_hangs_for_a_minute_is_replaced_and_told(pool: PgPool) {
    let stage = Stage::with_limit(pool, SHORT).await;
    let game = stage.game().await;
    let before = stage.record(&game).await;
    let watcher = watcher(&stage);
    stage.signal(&game, Signal::STOP);
    for _ in 0..7 {
        probe(&stage, &watcher).await;
    }
    let told = stage.world.events::<EngineIncident>().await;
    let told: Vec<_> = told.iter().map(|event| event.incident.known()).collect();
    assert_eq!(told, [Some(Incident::HungReplaced)]);
    stage.pass(SignedDuration::from_secs(2));
    stage.work().await;
    let record = stage.record(&game).await;
    assert_eq!(
        (record.status, record.engine_health),
        (RuntimeStatus::Running, EngineHealth::Healthy)
    );
    assert_eq!(record.epoch, before.epoch + 1);
    assert_eq!(stage.status(&game).await.turn, 0);
    assert_eq!(stage.world.events::<EngineRecovered>().await.len(), 1);
}
