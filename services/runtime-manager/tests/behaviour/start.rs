//! Starting: a game that is set up, and every way it can fail.

use galaxy_core::{FailureCode, Op, OperationStatus, RuntimeStatus};
use galaxy_drivers::{Driver as _, Sight};
use galaxy_events::catalogue::runtime::{OperationFinished, RuntimeSnapshot};
use galaxy_runtime::{RequestError, players};
use jiff::SignedDuration;
use sqlx::PgPool;

use crate::stage::{RACES, Stage};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_started_game_is_set_up_and_the_lobby_is_told(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.queued_game().await;
    assert_eq!(stage.record(&game).await.status, RuntimeStatus::Starting);
    stage.work().await;

    let record = stage.record(&game).await;
    assert_eq!(record.status, RuntimeStatus::Running);
    assert!(record.started_at.is_some() && record.endpoint.is_some());
    let next = record.next_turn_at.unwrap();
    assert!(next > stage.world.clock.now() && next.as_second() % 3_600 == 0);

    let mut connection = stage.world.db.acquire().await.unwrap();
    for (user, race) in game.players.iter().zip(RACES) {
        let seat = players::seat(&mut connection, game.id, *user)
            .await
            .unwrap();
        let seat = seat.expect("each player has a seat");
        assert_eq!(seat.mapping.race_name, race);
        assert_eq!(seat.engine, record.engine());
    }
    let finished = stage.world.events::<OperationFinished>().await;
    assert_eq!(
        (
            finished.len(),
            finished[0].op.known(),
            finished[0].succeeded
        ),
        (1, Some(Op::Start), true)
    );
    let snapshots = stage.world.events::<RuntimeSnapshot>().await;
    assert_eq!(snapshots.len(), 1);
    assert_eq!(snapshots[0].version, record.version);
    assert_eq!(snapshots[0].players.len(), RACES.len());
    assert!(
        snapshots[0]
            .players
            .iter()
            .all(|player| player.initial_planets > 0)
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_game_is_not_started_twice(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.queued_game().await;
    let again = stage.request_start(&game, &RACES, None).await;
    assert!(matches!(
        again,
        Err(RequestError::WrongStatus(RuntimeStatus::Starting))
    ));
    stage.work().await;
    let again = stage.request_start(&game, &RACES, None).await;
    assert!(matches!(
        again,
        Err(RequestError::WrongStatus(RuntimeStatus::Running))
    ));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_unknown_version_is_refused_at_once(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.queued_game().await;
    let unknown = stage.request_start(&game, &RACES, Some("9.9.9")).await;
    assert!(
        matches!(unknown, Err(RequestError::NoEngineVersion(Some(version))) if version == "9.9.9")
    );
}

async fn fails(pool: PgPool, image_ref: &str, races: &[&str], reason: FailureCode) {
    let stage = Box::pin(Stage::new(pool)).await;
    stage.version("0.2.0", image_ref).await;
    let game = stage.queued_game_of(races, Some("0.2.0")).await;
    stage.work_with_retries().await;

    let record = stage.record(&game).await;
    assert_eq!(record.status, RuntimeStatus::StartFailed);
    assert_eq!(
        (record.endpoint, record.container_id, record.next_turn_at),
        (None, None, None)
    );
    let operation = stage.last_operation(&game).await;
    assert_eq!(operation.status, OperationStatus::Failed);
    assert!(operation.error.unwrap().starts_with(reason.as_str()));
    let finished = stage.world.events::<OperationFinished>().await;
    assert_eq!(finished.len(), 1);
    assert_eq!(
        (finished[0].succeeded, finished[0].error.clone()),
        (false, Some(reason.into()))
    );
    assert_eq!(
        stage.sight(&game).await,
        Sight::Absent,
        "something was left behind"
    );
    assert_eq!(stage.manager.driver().list(None).await.unwrap().engines, []);

    stage
        .request_start(&game, &["Terrans"], Some("0.1.0"))
        .await
        .unwrap();
    stage.work().await;
    assert_eq!(
        stage.record(&game).await.status,
        RuntimeStatus::Running,
        "a failed start can be repeated"
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_missing_image_fails_the_start(pool: PgPool) {
    fails(
        pool,
        "process:/nowhere/engine",
        &RACES,
        FailureCode::ImagePullFailed,
    )
    .await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_engine_that_ends_at_once_fails_the_start(pool: PgPool) {
    fails(
        pool,
        "process:/bin/false",
        &RACES,
        FailureCode::ContainerStartFailed,
    )
    .await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_roster_the_engine_refuses_fails_the_start(pool: PgPool) {
    fails(
        pool,
        "process:engine",
        &["Terrans", "Terrans"],
        FailureCode::InitRejected,
    )
    .await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_start_that_a_dead_process_left_is_taken_up_with_one_engine(pool: PgPool) {
    use galaxy_store::worker::Queue as _;

    let stage = Stage::new(pool).await;
    let game = stage.queued_game().await;
    let claimed = stage.operations.claim(1).await.unwrap();
    assert_eq!(claimed.len(), 1);
    stage.work().await;
    assert_eq!(
        stage.record(&game).await.status,
        RuntimeStatus::Starting,
        "the lease still holds"
    );
    // It comes as far as the epoch, and dies before the engine is made.
    let node = stage.manager.node().node_id.clone();
    let now = stage.world.clock.now();
    galaxy_runtime::outcome::epoch_taken(&stage.world.db, &claimed[0], &node, now)
        .await
        .unwrap();

    stage.pass(SignedDuration::from_secs(31));
    let (_, [operations, ..]) = stage.reborn();
    let taken_over = operations.claim(1).await.unwrap();
    assert_eq!(
        (taken_over.len(), taken_over[0].attempt),
        (1, 1),
        "a crash costs no try"
    );
    for one in taken_over {
        operations.work(one).await;
    }
    stage.work().await;
    let record = stage.record(&game).await;
    assert_eq!((record.status, record.epoch), (RuntimeStatus::Running, 1));

    for one in claimed {
        stage.operations.work(one).await;
    }
    assert_eq!(
        stage.world.events::<OperationFinished>().await.len(),
        1,
        "the late holder is fenced off"
    );
    assert_eq!(stage.record(&game).await.version, record.version);
    let Sight::Running(instance) = stage.sight(&game).await else {
        panic!("the engine runs");
    };
    assert_eq!(instance.epoch, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_start_whose_process_dies_again_and_again_is_not_given_up(pool: PgPool) {
    use galaxy_store::worker::Queue as _;

    let stage = Stage::new(pool).await;
    let game = stage.queued_game().await;
    for _ in 0..5 {
        assert_eq!(stage.operations.claim(1).await.unwrap().len(), 1);
        stage.pass(SignedDuration::from_secs(31));
    }
    stage.work().await;
    assert_eq!(stage.record(&game).await.status, RuntimeStatus::Running);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_game_that_is_ended_while_it_starts_leaves_nothing(pool: PgPool) {
    use galaxy_runtime::stop;
    use galaxy_store::worker::Queue as _;

    let stage = Stage::new(pool).await;
    let game = stage.queued_game().await;
    let starting = stage.operations.claim(1).await.unwrap().remove(0);
    let now = stage.world.clock.now();
    let mut tx = stage.world.db.begin().await.unwrap();
    stop::finish(&mut tx, game.id, "test", now).await.unwrap();
    tx.commit().await.unwrap();
    stage.operations.work(starting).await;
    stage.work().await;

    assert_eq!(stage.record(&game).await.status, RuntimeStatus::Removed);
    assert_eq!(stage.sight(&game).await, Sight::Absent);
    let finished = stage.world.events::<OperationFinished>().await;
    let told: Vec<_> = finished
        .iter()
        .map(|event| (event.op.known(), event.succeeded))
        .collect();
    assert_eq!(told, [(Some(Op::Start), false), (Some(Op::Remove), true)]);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_start_removes_what_an_earlier_try_has_left(pool: PgPool) {
    use galaxy_runtime::{
        PutBack,
        engine::{EngineAddress, EngineClient, Init, Race},
        operations, outcome,
    };
    use galaxy_store::worker::Queue as _;

    let stage = Stage::new(pool).await;
    let game = stage.queued_game().await;
    let first = stage.operations.claim(1).await.unwrap().remove(0);
    let (node, now) = (
        stage.manager.node().node_id.clone(),
        stage.world.clock.now(),
    );
    let record = outcome::epoch_taken(&stage.world.db, &first, &node, now)
        .await
        .unwrap();
    let spec = stage.spec(game.id, record.epoch).await;
    let driver = stage.manager.driver();
    let instance = galaxy_testkit::eventually("the engine answers", || async {
        let Sight::Running(instance) = driver.apply(&spec).await.unwrap() else {
            return None;
        };
        Some(instance)
    })
    .await;
    // With another roster, which an engine does not let go of any more.
    let engine = EngineAddress {
        game_id: game.id,
        endpoint: instance.endpoint,
        token: None,
    };
    let races = vec![Race { race_name: "Mechs" }];
    let init = Init {
        game_id: game.id,
        seed: 1,
        races,
        options: &serde_json::Map::new(),
    };
    EngineClient::default().init(&engine, &init).await.unwrap();
    let mut connection = stage.world.db.acquire().await.unwrap();
    let refused = PutBack::Refused {
        error: "internal: a try",
    };
    assert!(
        operations::put_back(&mut connection, &first, refused, now)
            .await
            .unwrap()
    );

    stage.work().await;
    assert_eq!(stage.record(&game).await.status, RuntimeStatus::Running);
    assert_eq!(stage.status(&game).await.players.len(), RACES.len());
}
