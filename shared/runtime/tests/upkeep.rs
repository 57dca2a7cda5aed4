//! The operations as a whole: how many wait, and which are old enough to go.

use galaxy_core::OperationId;
use galaxy_runtime::{Lane, Waiting, figures, operations};
use galaxy_testkit::World;
use jiff::SignedDuration;
use sqlx::PgPool;
use uuid::Uuid;

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn what_waits_is_counted_and_old_history_is_deleted(pool: PgPool) {
    let world = World::new(pool.clone());
    let now = world.clock.now();
    let before = now.saturating_sub(SignedDuration::from_hours(24 * 90));
    let minute = SignedDuration::from_mins(1);
    let (old, recent) = (
        before.saturating_sub(minute * 2),
        before.saturating_add(minute),
    );
    // Asked for, finished: the third was asked for in time to go and finished too late for that.
    for (asked, finished) in [
        (old, Some(old)),
        (old, None),
        (old, Some(recent)),
        (recent, Some(recent)),
    ] {
        sqlx::query(
            "insert into backend.runtime_operation_log (operation_id, game_id, op, status, created_at, finished_at)
             values ($1, gen_random_uuid(), 'turn', case when $3::timestamptz is null then 'queued' else 'failed' end, $2, $3)",
        )
        .bind(Uuid::from_u128(OperationId::first_at(asked).uuid().as_u128() + Uuid::now_v7().as_u128() % (1 << 62)))
        .bind(asked)
        .bind(finished)
        .execute(&pool)
        .await
        .unwrap();
    }
    let mut connection = world.db.acquire().await.unwrap();
    let waiting = operations::waiting(&mut connection, now.saturating_add(minute))
        .await
        .unwrap();
    let turns = waiting
        .into_iter()
        .find(|(lane, _)| *lane == Lane::Turn)
        .unwrap()
        .1;
    assert_eq!(turns.operations, 1);
    assert!(turns.oldest >= SignedDuration::from_secs(50), "{turns:?}");
    let control = operations::waiting(&mut connection, before).await.unwrap();
    assert!(
        control
            .iter()
            .all(|(_, waiting)| *waiting == Waiting::default())
    );
    let mut delete = async || {
        operations::delete_finished(&mut connection, before, 10)
            .await
            .unwrap()
    };
    assert_eq!(delete().await, 1);
    assert_eq!(delete().await, 0);
    let left: i64 = sqlx::query_scalar("select count(*) from backend.runtime_operation_log")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(left, 3);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn turns_are_overdue_two_minutes_after_they_were_due_and_nodes_are_counted(pool: PgPool) {
    let world = World::new(pool.clone());
    let now = world.clock.now();
    for (op, status, minutes) in [
        ("turn", "queued", 5),
        ("turn", "queued", 1),
        ("turn", "failed", 9),
        ("stop", "queued", 9),
    ] {
        sqlx::query(
            "insert into backend.runtime_operation_log (operation_id, game_id, op, status, created_at, finished_at)
             values (gen_random_uuid(), gen_random_uuid(), $1, $2, $3, case when $2 = 'failed' then $3 end)",
        )
        .bind(op)
        .bind(status)
        .bind(now.saturating_sub(SignedDuration::from_mins(minutes)))
        .execute(&pool)
        .await
        .unwrap();
    }
    sqlx::query(
        "insert into backend.runtime_nodes (node_id, driver, name, heartbeat_at, lost_at, draining)
         values ('a', 'process', 'a', now(), null, false), ('b', 'process', 'b', now(), null, true),
             ('c', 'process', 'c', now(), now(), true), ('d', 'process', 'd', now(), now(), false)",
    )
    .execute(&pool)
    .await
    .unwrap();

    let figures = figures::read(&world.db, now).await.unwrap();
    assert_eq!(figures.overdue.turns, 1);
    assert_eq!(figures.overdue.oldest.as_mins(), 5);
    let nodes = figures.nodes;
    assert_eq!((nodes.live, nodes.draining, nodes.lost), (1, 1, 2));
    assert_eq!(figures.engines, []);
}
