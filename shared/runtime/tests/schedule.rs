//! The schedule's ticks under several schedulers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use futures_util::future::join_all;
use galaxy_runtime::scheduling::{self, BATCH, Tick};
use galaxy_testkit::World;
use sqlx::PgPool;

/// Games that run, all with a turn due now.
async fn due_games(world: &World, count: i32) {
    let owner = world.account().await;
    sqlx::query(
        "with made as (
             insert into backend.games (game_id, owner_user_id, game_name, visibility, status, min_players, max_players,
                 enrollment_ends_at, turn_schedule)
             select gen_random_uuid(), $1, 'A test game', 'public', 'running', 2, 8, now(), '0 * * * *'
             from generate_series(1, $2) returning game_id)
         insert into backend.runtime_records (game_id, game_name, status, turn_schedule, next_turn_at)
         select game_id, 'A test game', 'running', '*/5 * * * *', $3 from made",
    )
    .bind(owner.uuid())
    .bind(count)
    .bind(world.clock.now())
    .execute(world.db.pool())
    .await
    .unwrap();
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn racing_schedulers_give_each_due_game_one_turn(pool: PgPool) {
    let world = World::new(pool);
    due_games(&world, 1_300).await;
    let now = world.clock.now();
    let look = || async {
        let (mut due, mut queued) = (0, 0);
        loop {
            let Tick {
                due: found,
                queued: made,
                ..
            } = scheduling::tick(&world.db, now).await.unwrap();
            due += found;
            queued += made;
            if found < BATCH {
                return (due, queued);
            }
        }
    };
    join_all((0..4).map(|_| look())).await;
    // A scheduler passes over what another one holds; the last look finds nothing left.
    assert_eq!(look().await, (0, 0));
    let turns = "select count(*) from backend.runtime_operation_log where op = 'turn'";
    assert_eq!(world.count(turns).await, 1_300);
    let games =
        "select count(distinct game_id) from backend.runtime_operation_log where op = 'turn'";
    assert_eq!(world.count(games).await, 1_300);
    assert!(scheduling::next_due(&world.db).await.unwrap().unwrap() > now);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_game_whose_last_turn_still_waits_gets_no_second_one(pool: PgPool) {
    let world = World::new(pool);
    due_games(&world, 1).await;
    scheduling::tick(&world.db, world.clock.now())
        .await
        .unwrap();
    world.clock.advance(jiff::SignedDuration::from_mins(5));
    let tick = scheduling::tick(&world.db, world.clock.now())
        .await
        .unwrap();
    assert_eq!((tick.due, tick.queued), (1, 0));
}
