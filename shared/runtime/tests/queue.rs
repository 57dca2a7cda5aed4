//! The queue under several workers: one operation of a game at a time, each done once, late holders fenced off.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{HashMap, HashSet};

use futures_util::{FutureExt as _, future::join_all};
use galaxy_core::{FailureCode, GameId, Op, OperationId, OperationStatus, UserId};
use galaxy_runtime::{
    NewOperation, RosterEntry, Work,
    operations::{self, Claimed, EndError},
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

async fn claim(world: &World, room: u32) -> Vec<Claimed> {
    operations::claim(&world.db, "test", room, world.clock.now())
        .await
        .unwrap()
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
        engine_version: None,
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
async fn racing_workers_never_hold_two_operations_of_one_game(pool: PgPool) {
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
    operations::retry(&world.db, &start, "container_start_failed: x", later)
        .await
        .unwrap();
    queue(&world, game, Work::Stop {}).await;
    assert!(claim(&world, 5).await.is_empty());
    world.clock.advance(SignedDuration::from_secs(61));
    let next = claim(&world, 5).await;
    assert_eq!(next.len(), 1);
    assert_eq!((next[0].work.op(), next[0].attempt), (Op::Start, 2));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_end_of_an_operation_wakes_for_what_waited_for_it(pool: PgPool) {
    let world = World::new(pool);
    let (game, _) = game(&world).await;
    queue(&world, game, Work::Stop {}).await;
    let start = claim(&world, 5).await.remove(0);
    let bell = world.db.subscribe(Topic::Runtime);
    let _ = bell.notified().now_or_never();
    assert!(bell.notified().now_or_never().is_none(), "silent so far");
    outcome::cancelled(&world.db, &start, "not this time", world.clock.now())
        .await
        .unwrap();
    assert!(bell.notified().now_or_never().is_some());
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
    operations::retry(&world.db, &banish, "engine_unreachable: x", later)
        .await
        .unwrap();
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
    let now = world.clock.now();
    assert!(operations::renew(&world.db, &late, now).await.unwrap());
    world.clock.advance(SignedDuration::from_secs(29));
    assert!(claim(&world, 1).await.is_empty(), "it was renewed");

    world.clock.advance(SignedDuration::from_secs(2));
    let now = world.clock.now();
    let holder = claim(&world, 1).await.remove(0);
    assert_eq!(
        (holder.operation_id, holder.attempt),
        (late.operation_id, 2)
    );
    assert!(!operations::renew(&world.db, &late, now).await.unwrap());
    assert!(!operations::release(&world.db, &late, now).await.unwrap());
    let ended = outcome::failed(&world.db, &late, FailureCode::Internal, "late", now).await;
    assert!(matches!(ended, Err(EndError::NotHeld)));
    assert_eq!(world.event_types().await, [""; 0]);
    outcome::cancelled(&world.db, &holder, "enough", now)
        .await
        .unwrap();
    assert_eq!(world.event_types().await.len(), 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn work_given_back_has_spent_no_attempt(pool: PgPool) {
    let world = World::new(pool);
    game(&world).await;
    for _ in 0..10 {
        let held = claim(&world, 1).await.remove(0);
        assert_eq!(held.attempt, 1);
        let now = world.clock.now();
        assert!(operations::release(&world.db, &held, now).await.unwrap());
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
