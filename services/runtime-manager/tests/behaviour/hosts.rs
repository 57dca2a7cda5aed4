//! Several hosts, and managers that come too late.

use galaxy_core::{EngineHealth, Incident, RuntimeStatus};
use galaxy_drivers::{Driver as _, DriverError, Sight};
use galaxy_events::catalogue::runtime::{EngineIncident, TurnGenerated};
use galaxy_runtime::{nodes, outcome};
use galaxy_runtime_manager::{
    config::ReconcileMode,
    node::{self, reconcile::Reconciler},
};
use galaxy_store::worker::Queue as _;
use jiff::SignedDuration;
use sqlx::PgPool;

use crate::stage::{RACES, Stage};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn another_host_leaves_the_games_of_this_one_alone(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    let directory = tempfile::tempdir().unwrap();
    let (other, [operations, turns, _]) = stage.elsewhere(&directory).await;
    let mut reconciler = Reconciler::new(other.clone(), ReconcileMode::Apply);
    for _ in 0..5 {
        assert_eq!(reconciler.pass().await.unwrap().steps, []);
        stage.pass(SignedDuration::from_secs(30));
    }
    stage.force_turn(&game).await.unwrap();
    assert!(operations.claim(8).await.unwrap().is_empty());
    assert!(
        turns.claim(8).await.unwrap().is_empty(),
        "its turn is not this host's"
    );
    stage.work().await;

    assert_eq!(stage.world.events::<TurnGenerated>().await.len(), 1);
    let record = stage.record(&game).await;
    assert_eq!((record.status, record.epoch), (RuntimeStatus::Running, 1));
    assert_eq!(
        other.driver().observe(game.id).await.unwrap(),
        Sight::Absent
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_host_without_room_leaves_starts_to_others(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let node = &stage.manager.node().node_id;
    let mut connection = stage.world.db.acquire().await.unwrap();
    assert!(
        nodes::set_draining(&mut connection, node, true)
            .await
            .unwrap()
    );
    let game = stage.queued_game().await;
    assert!(stage.operations.claim(8).await.unwrap().is_empty());
    let directory = tempfile::tempdir().unwrap();
    let (other, lanes) = stage.elsewhere(&directory).await;
    stage.work_with(&[&lanes[0], &lanes[1], &lanes[2]]).await;
    let record = stage.record(&game).await;
    assert_eq!(record.status, RuntimeStatus::Running);
    assert_eq!(record.node_id.as_ref(), Some(&other.node().node_id));
    other
        .driver()
        .delete_engine(game.id, record.epoch)
        .await
        .unwrap();
}

/// A manager died before its start had chosen a node.
#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_host_without_room_takes_no_start_over(pool: PgPool) {
    let stage = Stage::new(pool).await;
    stage.queued_game().await;
    assert_eq!(stage.operations.claim(8).await.unwrap().len(), 1);
    let node = &stage.manager.node().node_id;
    let mut connection = stage.world.db.acquire().await.unwrap();
    nodes::set_draining(&mut connection, node, true)
        .await
        .unwrap();
    stage.pass(SignedDuration::from_secs(31));
    assert!(stage.operations.claim(8).await.unwrap().is_empty());
    let directory = tempfile::tempdir().unwrap();
    let (_, [operations, ..]) = stage.elsewhere(&directory).await;
    assert_eq!(operations.claim(8).await.unwrap().len(), 1);
}

/// The driver remembers an epoch before there is an engine of it.
#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_manager_that_died_before_it_made_the_engine_costs_its_successor_no_try(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.queued_game().await;
    let claimed = stage.operations.claim(1).await.unwrap();
    let node = &stage.manager.node().node_id;
    let now = stage.world.clock.now();
    outcome::epoch_taken(&stage.world.db, &claimed[0], node, now)
        .await
        .unwrap();
    let driver = stage.manager.driver();
    driver.apply(&stage.spec(game.id, 1).await).await.unwrap();
    while driver.delete_engine(game.id, 1).await.unwrap() != Sight::StateOnly {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let older = driver.delete_engine(game.id, 0).await;
    assert_eq!(older, Err(DriverError::Fenced { found: 1 }));

    stage.pass(SignedDuration::from_secs(31));
    stage.work().await;
    let operation = stage.last_operation(&game).await;
    assert_eq!(operation.attempt, 0, "{:?}", operation.error);
    let record = stage.record(&game).await;
    assert_eq!((record.status, record.epoch), (RuntimeStatus::Running, 1));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_silent_hosts_games_say_so_and_are_kept(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    let timeout = stage.config.node.timeout;
    let mark = || outcome::mark_lost_hosts(&stage.world.db, timeout, stage.world.clock.now());
    assert_eq!(mark().await.unwrap(), 0);
    stage.pass(timeout + SignedDuration::from_secs(1));
    assert_eq!(mark().await.unwrap(), 1);
    assert_eq!(mark().await.unwrap(), 0, "they are told once");
    let record = stage.record(&game).await;
    assert_eq!(
        (record.engine_health, record.status),
        (EngineHealth::HostLost, RuntimeStatus::EngineUnreachable)
    );
    let told = stage.world.events::<EngineIncident>().await;
    assert_eq!(
        (told.len(), told[0].incident.known()),
        (1, Some(Incident::HostLost))
    );

    node::register(&stage.manager).await.unwrap();
    stage.pass(SignedDuration::from_secs(10));
    let watcher = node::watch::Watcher::new(
        stage.manager.clone(),
        node::Watch::default(),
        stage.config.node.hung_after,
    );
    watcher.round(std::time::Duration::ZERO).await.unwrap();
    let record = stage.record(&game).await;
    assert_eq!(
        (record.engine_health, record.status),
        (EngineHealth::Healthy, RuntimeStatus::Running),
        "the host is back, and so is the game"
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn what_a_late_manager_cleans_up_is_no_longer_its_own(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.queued_game().await;
    let late = stage.operations.claim(1).await.unwrap().remove(0);
    let node = stage.manager.node().node_id.clone();
    let now = stage.world.clock.now();
    let taken = outcome::epoch_taken(&stage.world.db, &late, &node, now)
        .await
        .unwrap();

    // It is cut off from the database. Its operation goes to another manager, is refused once and brings the game up.
    stage.pass(SignedDuration::from_secs(31));
    let (_, [operations, ..]) = stage.reborn();
    let mut again = operations.claim(1).await.unwrap();
    let again = again.remove(0);
    let mut connection = stage.world.db.acquire().await.unwrap();
    let refused = galaxy_runtime::PutBack::Refused {
        error: "internal: a try",
    };
    let now = stage.world.clock.now();
    assert!(
        galaxy_runtime::operations::put_back(&mut connection, &again, refused, now)
            .await
            .unwrap()
    );
    stage.work().await;
    let record = stage.record(&game).await;
    assert_eq!(
        (record.status, record.epoch),
        (RuntimeStatus::Running, taken.epoch + 1)
    );

    let driver = stage.manager.driver();
    let fenced = Err(DriverError::Fenced {
        found: record.epoch,
    });
    assert_eq!(driver.delete_engine(game.id, taken.epoch).await, fenced);
    let fenced = Err(DriverError::Fenced {
        found: record.epoch,
    });
    assert_eq!(driver.delete_state(game.id, taken.epoch).await, fenced);
    stage.operations.work(late).await;
    assert_eq!(stage.record(&game).await, record);
    assert_eq!(stage.status(&game).await.turn, 0);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_late_manager_that_gives_a_start_up_removes_nothing(pool: PgPool) {
    let stage = Stage::new(pool).await;
    stage.version("0.1.1", "process:/nowhere/engine").await;
    let game = stage.queued_game_of(&RACES, Some("0.1.1")).await;
    let mut late = stage.operations.claim(1).await.unwrap().remove(0);
    // Its last try, for which there is no image.
    late.attempt = late.max_attempts;

    // Another manager has taken the operation over, and has made an engine that is not set up yet.
    stage.pass(SignedDuration::from_secs(31));
    let (other, [operations, ..]) = stage.reborn();
    let held = operations.claim(1).await.unwrap().remove(0);
    let (node, now) = (other.node().node_id.clone(), stage.world.clock.now());
    let record = outcome::epoch_taken(&stage.world.db, &held, &node, now)
        .await
        .unwrap();
    let spec = stage.spec(game.id, record.epoch).await;
    galaxy_testkit::eventually("the engine runs", || async {
        let sight = other.driver().apply(&spec).await.unwrap();
        matches!(sight, Sight::Running(_)).then_some(())
    })
    .await;

    stage.operations.work(late).await;
    assert!(
        matches!(stage.sight(&game).await, Sight::Running(_)),
        "it runs on"
    );
    assert_eq!(stage.record(&game).await, record);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_record_of_a_version_before_nodes_finds_its_engine(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    sqlx::query("update backend.runtime_records set node_id = null")
        .execute(stage.world.db.pool())
        .await
        .unwrap();
    stage.force_turn(&game).await.unwrap();
    assert!(
        stage.turns.claim(8).await.unwrap().is_empty(),
        "nobody knows where it is yet"
    );
    let directory = tempfile::tempdir().unwrap();
    let (other, _) = stage.elsewhere(&directory).await;
    let pass = |manager| async move {
        let mut reconciler = Reconciler::new(manager, ReconcileMode::Apply);
        reconciler.pass().await.unwrap().steps.len()
    };
    assert_eq!(pass(other).await, 0);
    sqlx::query("delete from backend.runtime_operation_log where op = 'turn'")
        .execute(stage.world.db.pool())
        .await
        .unwrap();
    assert_eq!(pass(stage.manager.clone()).await, 1);
    assert_eq!(
        stage.record(&game).await.node_id.as_ref(),
        Some(&stage.manager.node().node_id)
    );
}
