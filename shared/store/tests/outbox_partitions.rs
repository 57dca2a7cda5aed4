//! The two functions that keep the outbox in daily partitions: nothing that waits is ever lost by
//! them, and several processes may call them at once.

use galaxy_store::MIGRATOR;
use sqlx::PgPool;
use tokio::task::JoinSet;

type TestResult = Result<(), Box<dyn std::error::Error>>;

#[sqlx::test(migrations = false)]
async fn a_week_of_partitions_exists_from_the_start(pool: PgPool) -> TestResult {
    MIGRATOR.run(&pool).await?;
    assert_eq!(
        ensure(&pool, 0, 8).await?,
        0,
        "today and the seven days after it exist already"
    );
    assert_eq!(ensure(&pool, 0, 10).await?, 2);
    assert_eq!(
        ensure(&pool, 0, 10).await?,
        0,
        "a second call has nothing left to do"
    );
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn callers_at_the_same_moment_create_each_day_once(pool: PgPool) -> TestResult {
    MIGRATOR.run(&pool).await?;
    let mut callers = JoinSet::new();
    for _ in 0..5 {
        let pool = pool.clone();
        callers.spawn(async move { ensure(&pool, 100, 20).await });
    }
    let mut created = 0;
    while let Some(result) = callers.join_next().await {
        created += result??;
    }
    assert_eq!(created, 20);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn an_event_of_a_day_without_a_partition_commits_and_moves_over_later(
    pool: PgPool,
) -> TestResult {
    MIGRATOR.run(&pool).await?;
    insert(&pool, 40, false).await?;
    assert_eq!(rows_in(&pool, "backend.event_outbox_default").await?, 1);

    assert_eq!(ensure(&pool, 40, 1).await?, 1);
    assert_eq!(rows_in(&pool, "backend.event_outbox_default").await?, 0);
    assert_eq!(rows_in(&pool, "backend.event_outbox").await?, 1);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn writers_of_a_day_whose_partition_is_just_made_are_not_refused(pool: PgPool) -> TestResult {
    MIGRATOR.run(&pool).await?;
    sqlx::raw_sql(
        "do $$ begin execute 'drop table backend.event_outbox_'
            || to_char(now() at time zone 'UTC', 'YYYYMMDD'); end $$",
    )
    .execute(&pool)
    .await?;
    let mut writers: JoinSet<sqlx::Result<()>> = JoinSet::new();
    for _ in 0..4 {
        let pool = pool.clone();
        writers.spawn(async move {
            for _ in 0..100 {
                insert(&pool, 0, false).await?;
            }
            Ok(())
        });
    }
    assert_eq!(ensure(&pool, 0, 1).await?, 1);
    while let Some(result) = writers.join_next().await {
        result??;
    }
    assert_eq!(rows_in(&pool, "backend.event_outbox").await?, 400);
    assert_eq!(rows_in(&pool, "backend.event_outbox_default").await?, 0);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_day_is_dropped_only_when_all_its_events_are_published(pool: PgPool) -> TestResult {
    MIGRATOR.run(&pool).await?;
    ensure(&pool, -20, 20).await?;
    insert(&pool, -12, true).await?;
    insert(&pool, -11, true).await?;
    insert(&pool, -11, false).await?;

    assert_eq!(
        drop_before(&pool, -7).await?,
        12,
        "days -20 to -8 are thirteen, one of them still waits"
    );
    assert_eq!(
        rows_in(&pool, "backend.event_outbox").await?,
        2,
        "the day with a waiting event stays whole"
    );

    sqlx::raw_sql("update backend.event_outbox set published_at = now()")
        .execute(&pool)
        .await?;
    assert_eq!(drop_before(&pool, -7).await?, 1);
    assert_eq!(rows_in(&pool, "backend.event_outbox").await?, 0);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn dropping_gives_up_for_now_while_the_outbox_is_in_use(pool: PgPool) -> TestResult {
    MIGRATOR.run(&pool).await?;
    ensure(&pool, -20, 1).await?;
    let mut writer = pool.begin().await?;
    insert(&mut *writer, 0, false).await?;

    assert_eq!(drop_before(&pool, -7).await?, 0);

    writer.commit().await?;
    assert_eq!(drop_before(&pool, -7).await?, 1);
    Ok(())
}

async fn ensure(pool: &PgPool, first: i32, days: i32) -> sqlx::Result<i32> {
    sqlx::query_scalar(
        "select backend.event_outbox_ensure_partitions((now() at time zone 'UTC')::date + $1, $2)",
    )
    .bind(first)
    .bind(days)
    .fetch_one(pool)
    .await
}

async fn drop_before(pool: &PgPool, day: i32) -> sqlx::Result<i32> {
    sqlx::query_scalar(
        "select backend.event_outbox_drop_partitions((now() at time zone 'UTC')::date + $1)",
    )
    .bind(day)
    .fetch_one(pool)
    .await
}

/// Writes one event as of `day` days from now.
async fn insert(to: impl sqlx::PgExecutor<'_>, day: i32, published: bool) -> sqlx::Result<()> {
    sqlx::query(
        "insert into backend.event_outbox (event_id, subject, event_type, payload, created_at, published_at)
         values (gen_random_uuid(), 'galaxy.events.test.made', 'galaxy.test.made.v1', '{}',
                 now() + make_interval(days => $1), case when $2 then now() end)",
    )
    .bind(day)
    .bind(published)
    .execute(to)
    .await?;
    Ok(())
}

async fn rows_in(pool: &PgPool, table: &'static str) -> sqlx::Result<i64> {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
        .fetch_one(pool)
        .await
}
