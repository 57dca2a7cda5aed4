//! The queue under several workers: one operation of a game at a time, each done once, late holders fenced off.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{HashMap, HashSet};

use futures_util::{FutureExt as _, future::join_all};
use galaxy_core::{FailureCode, GameId, Op, OperationId, OperationStatus, Timestamp, UserId};
use galaxy_events::catalogue::runtime::OperationFinished;
use galaxy_runtime::{
    Claimed, EndError, Lane, NewNode, NewOperation, PutBack, RosterEntry, TurnMode, Work, nodes,
    operations::{self, Claimer},
    outcome,
    start::{self, StartRequest},
    versions,
};
use galaxy_store::Topic;
use galaxy_testkit::World;
use jiff::SignedDuration;
use sqlx::PgPool;

async fn queue(world: &World, game_id: GameId, work: Work) -> OperationId {
    let mut tx = world.db.begin().await.unwrap();
    let operation = NewOperation {
        game_id,
        work,
        requested_by: "test".to_owned(),
        run_after: world.clock.now(),
    };
    let id = operations::queue(&mut tx, &operation).await.unwrap();
    tx.commit().await.unwrap();
    id
}

const NODE: &str = "node-a";

async fn claim(world: &World, room: u32) -> Vec<Claimed> {
    let mut found = vec![];
    for lane in Lane::ALL {
        let left = room - u32::try_from(found.len()).unwrap();
        found.extend(claim_on(world, NODE, lane, left).await);
    }
    found
}

async fn claim_on(world: &World, node: &str, lane: Lane, room: u32) -> Vec<Claimed> {
    let claimer = Claimer {
        owner: "test",
        node,
        has_room: true,
        lane,
    };
    operations::claim(&world.db, claimer, room, world.clock.now())
        .await
        .unwrap()
}

async fn put_back(world: &World, operation: &Claimed, how: PutBack<'_>, at: Timestamp) -> bool {
    let mut connection = world.db.acquire().await.unwrap();
    operations::put_back(&mut connection, operation, how, at)
        .await
        .unwrap()
}

async fn renew(world: &World, operation: &Claimed) -> bool {
    let mut connection = world.db.acquire().await.unwrap();
    operations::renew(&mut connection, operation, world.clock.now())
        .await
        .unwrap()
}

/// Takes the game's epoch for the operation, so that its engine is on the node.
async fn take_epoch(world: &World, operation: &Claimed, node: &str) -> i64 {
    let mut connection = world.db.acquire().await.unwrap();
    let new = NewNode {
        node_id: node.to_owned(),
        driver: "process",
        name: node.to_owned(),
        capacity: 0,
    };
    nodes::beat(&mut connection, &new, world.clock.now())
        .await
        .unwrap();
    outcome::epoch_taken(&world.db, operation, node, world.clock.now())
        .await
        .unwrap()
        .epoch
}

/// A game with a runtime record, whose start is queued.
async fn game(world: &World) -> (GameId, UserId) {
    let mut connection = world.db.acquire().await.unwrap();
    let now = world.clock.now();
    versions::insert_bootstrap(&mut connection, "1.0.0", "process:engine", now)
        .await
        .unwrap();
    let owner = world.account().await;
    let game_id = world.game(owner, "starting").await;
    let request = StartRequest {
        game_id,
        game_name: "A test game".to_owned(),
        engine_name: "galaxy".to_owned(),
        engine_version: None,
        options: serde_json::Map::new(),
        turn_schedule: "0 * * * *".to_owned(),
        time_zone: "UTC".to_owned(),
        roster: vec![RosterEntry {
            user_id: owner,
            race_name: "Zorgons".to_owned(),
        }],
        requested_by: "test".to_owned(),
    };
    let mut tx = world.db.begin().await.unwrap();
    start::request(&mut tx, &request, now).await.unwrap();
    tx.commit().await.unwrap();
    (game_id, owner)
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn concurrent_workers_never_hold_two_operations_of_one_game(pool: PgPool) {
    let world = World::new(pool);
    let mut games = vec![];
    for _ in 0..6 {
        let (game, _) = game(&world).await;
        for _ in 0..4 {
            queue(&world, game, Work::Stop {}).await;
        }
        games.push(game);
    }
    let mut done: HashMap<OperationId, u32> = HashMap::new();
    loop {
        let claims = join_all((0..8).map(|_| claim(&world, 3))).await;
        let held: Vec<_> = claims.into_iter().flatten().collect();
        if held.is_empty() {
            break;
        }
        let distinct: HashSet<_> = held.iter().map(|one| one.game_id).collect();
        assert_eq!(distinct.len(), held.len(), "two of one game are held");
        for one in &held {
            *done.entry(one.operation_id).or_default() += 1;
        }
        let ends = held
            .iter()
            .map(|one| outcome::cancelled(&world.db, one, "done", world.clock.now()));
        for end in join_all(ends).await {
            end.unwrap();
        }
    }
    assert_eq!(done.len(), 30);
    assert!(done.values().all(|times| *times == 1));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn nothing_overtakes_a_start_that_is_put_off(pool: PgPool) {
    let world = World::new(pool);
    let (game, _) = game(&world).await;
    let start = claim(&world, 5).await.remove(0);
    let later = world.clock.now() + SignedDuration::from_secs(60);
    let refused = PutBack::Refused {
        error: "container_start_failed: x",
    };
    assert!(put_back(&world, &start, refused, later).await);
    queue(&world, game, Work::Stop {}).await;
    assert!(claim(&world, 5).await.is_empty());
    world.clock.advance(SignedDuration::from_secs(61));
    let next = claim(&world, 5).await;
    assert_eq!(next.len(), 1);
    assert_eq!((next[0].work.op(), next[0].attempt), (Op::Start, 2));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_end_of_an_operation_notifies_for_what_waited_for_it(pool: PgPool) {
    let world = World::new(pool);
    let (game, _) = game(&world).await;
    queue(&world, game, Work::Stop {}).await;
    let start = claim(&world, 5).await.remove(0);
    let notify = world.db.subscribe(Topic::Runtime);
    let _ = notify.notified().now_or_never();
    assert!(notify.notified().now_or_never().is_none(), "nothing so far");
    outcome::cancelled(&world.db, &start, "not this time", world.clock.now())
        .await
        .unwrap();
    assert!(notify.notified().now_or_never().is_some());
    assert_eq!(claim(&world, 5).await[0].work.op(), Op::Stop);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_operation_that_is_put_off_does_not_hold_up_others(pool: PgPool) {
    let world = World::new(pool);
    let (game, user_id) = game(&world).await;
    let start = claim(&world, 1).await.remove(0);
    outcome::cancelled(&world.db, &start, "not this time", world.clock.now())
        .await
        .unwrap();
    let race_name = "Zorgons".to_owned();
    queue(&world, game, Work::Banish { user_id, race_name }).await;
    let banish = claim(&world, 1).await.remove(0);
    let later = world.clock.now() + SignedDuration::from_secs(60);
    let refused = PutBack::Refused {
        error: "engine_unreachable: x",
    };
    assert!(put_back(&world, &banish, refused, later).await);
    queue(&world, game, Work::Restart {}).await;
    assert_eq!(claim(&world, 5).await[0].work.op(), Op::Restart);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_lease_that_ran_out_is_taken_over_and_the_late_holder_changes_nothing(pool: PgPool) {
    let world = World::new(pool);
    game(&world).await;
    let late = claim(&world, 1).await.remove(0);
    assert!(claim(&world, 1).await.is_empty());
    world.clock.advance(SignedDuration::from_secs(29));
    assert!(renew(&world, &late).await);
    world.clock.advance(SignedDuration::from_secs(29));
    assert!(claim(&world, 1).await.is_empty(), "it was renewed");

    world.clock.advance(SignedDuration::from_secs(2));
    let now = world.clock.now();
    let holder = claim(&world, 1).await.remove(0);
    assert_eq!(
        (holder.operation_id, holder.attempt),
        (late.operation_id, 1),
        "an interrupted try is not counted"
    );
    assert!(!renew(&world, &late).await);
    assert!(!put_back(&world, &late, PutBack::Drain, now).await);
    let ended = outcome::failed(&world.db, &late, FailureCode::Internal, "late", None, now).await;
    assert!(matches!(ended, Err(EndError::NotHeld)));
    assert_eq!(world.event_types().await, [""; 0]);
    outcome::cancelled(&world.db, &holder, "enough", now)
        .await
        .unwrap();
    assert_eq!(world.events::<OperationFinished>().await.len(), 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn work_given_back_has_spent_no_attempt(pool: PgPool) {
    let world = World::new(pool);
    game(&world).await;
    for _ in 0..10 {
        let held = claim(&world, 1).await.remove(0);
        assert_eq!(held.attempt, 1);
        let now = world.clock.now();
        assert!(put_back(&world, &held, PutBack::Drain, now).await);
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_history_of_a_game_comes_in_pages_newest_first(pool: PgPool) {
    let world = World::new(pool);
    let (game, _) = game(&world).await;
    let mut queued = vec![];
    for _ in 0..4 {
        queued.push(queue(&world, game, Work::Stop {}).await);
    }
    let mut connection = world.db.acquire().await.unwrap();
    let limit = galaxy_core::Limit::new(2).unwrap();
    let (mut seen, mut cursor) = (vec![], None::<String>);
    loop {
        let page = operations::list(&mut connection, game, limit, cursor.as_deref())
            .await
            .unwrap();
        seen.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 5);
    assert_eq!(seen[0].operation_id, queued[3]);
    assert_eq!(seen[4].op, Op::Start);
    assert!(seen.iter().all(|one| one.status == OperationStatus::Queued));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_parked_operation_keeps_its_place_and_its_epoch(pool: PgPool) {
    let world = World::new(pool);
    let (game, _) = game(&world).await;
    let start = claim(&world, 1).await.remove(0);
    let epoch = take_epoch(&world, &start, NODE).await;
    let later = world.clock.now() + SignedDuration::from_secs(60);
    let how = PutBack::Park {
        waiting_for: "the image: 40 %",
    };
    assert!(put_back(&world, &start, how, later).await);
    queue(&world, game, Work::Restart {}).await;
    assert!(claim(&world, 5).await.is_empty(), "nothing overtakes it");
    let mut connection = world.db.acquire().await.unwrap();
    let shown = operations::get(&mut connection, start.operation_id)
        .await
        .unwrap();
    assert_eq!(
        shown.unwrap().waiting_for.as_deref(),
        Some("the image: 40 %")
    );

    let now = world.clock.now();
    assert!(operations::wake(&mut connection, game, now).await.unwrap());
    let resumed = claim(&world, 5).await.remove(0);
    assert_eq!(
        (resumed.operation_id, resumed.attempt, resumed.resumed),
        (start.operation_id, 1, true)
    );
    assert_eq!(resumed.epoch.map(|(epoch, _)| epoch), Some(epoch));
    assert_eq!(
        take_epoch(&world, &resumed, NODE).await,
        epoch,
        "it is taken once"
    );

    let refused = PutBack::Refused {
        error: "internal: x",
    };
    assert!(put_back(&world, &resumed, refused, now).await);
    let again = claim(&world, 5).await.remove(0);
    assert_eq!((again.attempt, again.epoch), (2, None));
    assert_eq!(take_epoch(&world, &again, NODE).await, epoch + 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn operations_on_an_engine_are_claimed_by_its_node_alone(pool: PgPool) {
    let world = World::new(pool);
    let (game, _) = game(&world).await;
    let start = claim(&world, 1).await.remove(0);
    take_epoch(&world, &start, NODE).await;
    outcome::cancelled(&world.db, &start, "enough", world.clock.now())
        .await
        .unwrap();
    queue(&world, game, Work::Stop {}).await;
    assert!(
        claim_on(&world, "node-b", Lane::Control, 5)
            .await
            .is_empty()
    );
    assert_eq!(claim_on(&world, NODE, Lane::Control, 5).await.len(), 1);
    world.clock.advance(SignedDuration::from_secs(31));
    assert!(
        claim_on(&world, "node-b", Lane::Control, 5)
            .await
            .is_empty(),
        "not even after its manager died"
    );
    assert_eq!(claim_on(&world, NODE, Lane::Control, 5).await.len(), 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_operation_that_cannot_be_read_holds_nothing_else_up(pool: PgPool) {
    let world = World::new(pool);
    let (unreadable, _) = game(&world).await;
    game(&world).await;
    sqlx::query(
        "update backend.runtime_operation_log set params = '{\"later\": 1}' where game_id = $1",
    )
    .bind(unreadable.uuid())
    .execute(world.db.pool())
    .await
    .unwrap();
    let claimed = claim(&world, 5).await;
    assert_eq!(claimed.len(), 1);
    assert_ne!(claimed[0].game_id, unreadable);
    assert!(
        claim(&world, 5).await.is_empty(),
        "it is left to others for a while"
    );
    world.clock.advance(SignedDuration::from_mins(1));
    let mut connection = world.db.acquire().await.unwrap();
    let open = operations::open(&mut connection, unreadable).await.unwrap();
    assert_eq!((open.len(), open[0].status), (1, OperationStatus::Queued));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_withdrawn_start_is_told_and_refused_its_outcome(pool: PgPool) {
    let world = World::new(pool);
    let (game, _) = game(&world).await;
    let start = claim(&world, 1).await.remove(0);
    let mut tx = world.db.begin().await.unwrap();
    let now = world.clock.now();
    galaxy_runtime::stop::finish(&mut tx, game, "test", now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let taken = outcome::epoch_taken(&world.db, &start, NODE, now).await;
    assert!(matches!(taken, Err(EndError::Withdrawn)), "{taken:?}");
    let lost = claim(&world, 5).await;
    assert!(lost.is_empty(), "its holder is to undo it first");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn what_waits_and_is_cancelled_is_told(pool: PgPool) {
    let world = World::new(pool);
    let (game, _) = game(&world).await;
    let start = claim(&world, 1).await.remove(0);
    outcome::cancelled(&world.db, &start, "enough", world.clock.now())
        .await
        .unwrap();
    let turn = Work::Turn {
        expected_turn: 1,
        mode: TurnMode::Generate,
    };
    let id = queue(&world, game, turn).await;
    let mut tx = world.db.begin().await.unwrap();
    let record = galaxy_runtime::records::lock(&mut tx, game)
        .await
        .unwrap()
        .unwrap();
    let now = world.clock.now();
    assert_eq!(
        operations::cancel(&mut tx, &record, &[Op::Turn], now)
            .await
            .unwrap(),
        1
    );
    tx.commit().await.unwrap();
    let told = world.events::<OperationFinished>().await;
    let last = told.last().unwrap();
    assert_eq!((last.operation_id, last.succeeded), (id, false));
    assert_eq!(
        last.error.as_ref().and_then(galaxy_core::OpenEnum::known),
        Some(FailureCode::Cancelled)
    );
}
