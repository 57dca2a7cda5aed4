//! The health watch: three misses make an engine unreachable, one answer brings it back, each told once.

use galaxy_core::{EngineHealth, RuntimeStatus};
use galaxy_events::catalogue::runtime::{EngineRecovered, EngineUnreachable};
use galaxy_runtime_manager::watch;
use jiff::SignedDuration;
use rustix::process::Signal;
use sqlx::PgPool;

use crate::stage::{HASTE, Stage};

const INTERVAL: SignedDuration = SignedDuration::from_secs(10);

async fn probe(stage: &Stage) {
    stage.pass(INTERVAL);
    watch::round(&stage.manager, INTERVAL).await.unwrap();
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_engine_that_hangs_is_told_once_and_so_is_its_return(pool: PgPool) {
    let stage = Stage::with_patience(pool, HASTE).await;
    let game = stage.game().await;
    probe(&stage).await;
    stage.signal(&game, Signal::STOP);
    probe(&stage).await;
    probe(&stage).await;
    let record = stage.record(&game).await;
    assert_eq!(
        record.engine_health,
        EngineHealth::Healthy,
        "two misses are not three"
    );
    probe(&stage).await;
    probe(&stage).await;
    let record = stage.record(&game).await;
    assert_eq!(record.engine_health, EngineHealth::Unreachable);
    assert_eq!(record.status, RuntimeStatus::EngineUnreachable);
    assert_eq!(stage.world.events::<EngineUnreachable>().await.len(), 1);

    stage.signal(&game, Signal::CONT);
    probe(&stage).await;
    let record = stage.record(&game).await;
    assert_eq!(
        (record.engine_health, record.status),
        (EngineHealth::Healthy, RuntimeStatus::Running)
    );
    assert_eq!(stage.world.events::<EngineRecovered>().await.len(), 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn two_replicas_do_not_both_count_a_miss(pool: PgPool) {
    let stage = Stage::with_patience(pool, HASTE).await;
    let game = stage.game().await;
    stage.signal(&game, Signal::STOP);
    let (other, _) = stage.reborn();
    for _ in 0..2 {
        stage.pass(INTERVAL);
        let (one, two) = tokio::join!(
            watch::round(&stage.manager, INTERVAL),
            watch::round(&other, INTERVAL)
        );
        one.unwrap();
        two.unwrap();
    }
    let record = stage.record(&game).await;
    assert_eq!(
        record.engine_health,
        EngineHealth::Healthy,
        "two rounds are two misses"
    );
}
