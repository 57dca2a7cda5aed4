//! Which schemas a binary works on: its own, and newer ones as long as they say so.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use galaxy_core::Clock;
use galaxy_service::{Process, Readiness, Tasks};
use galaxy_store::{Db, MIGRATOR, MigrateMode, PostgresConfig};
use sqlx::{ConnectOptions, PgPool};

/// A migration of the next version.
const NEXT: &str =
    "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                    values (9000, 'of the next version', true, '\\x00', 0)";
const CONTRACT: &str = "update backend.schema_compatibility set min_compatible = 9000";

fn process() -> Process {
    Process {
        name: "test",
        clock: Clock::system(),
        tasks: Tasks::new(),
        readiness: Readiness::default(),
    }
}

/// Starts as a process does; the error as it would be printed.
async fn start(pool: &PgPool, migrate: MigrateMode) -> Result<Process, String> {
    let process = process();
    let url = pool.connect_options().to_url_lossy().to_string();
    let config = PostgresConfig {
        migrate,
        ..PostgresConfig::new(url, 2)
    };
    let connected = Db::connect(&config, &process).await;
    connected.map_err(|error| format!("{error:#}"))?;
    Ok(process)
}

/// Why the process is not ready.
async fn failure(process: &Process) -> Option<String> {
    let checks = process.readiness.check().await;
    let postgres = checks.into_iter().find(|check| check.name == "postgres");
    postgres.unwrap().failure
}

async fn execute(pool: &PgPool, sql: &'static str) {
    sqlx::raw_sql(sql).execute(pool).await.unwrap();
}

fn newest() -> i64 {
    MIGRATOR
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap()
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_newer_schema_that_is_compatible_takes_nothing_out_of_service(pool: PgPool) {
    let running = start(&pool, MigrateMode::Wait).await.unwrap();
    execute(&pool, NEXT).await;
    assert_eq!(failure(&running).await, None);
    for mode in [MigrateMode::Apply, MigrateMode::Wait] {
        let started = start(&pool, mode).await.unwrap();
        assert_eq!(failure(&started).await, None, "{mode:?}");
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_schema_that_needs_a_newer_version_is_refused_with_both_numbers(pool: PgPool) {
    let running = start(&pool, MigrateMode::Wait).await.unwrap();
    execute(&pool, NEXT).await;
    execute(&pool, CONTRACT).await;
    let mut messages = vec![failure(&running).await.unwrap()];
    for mode in [MigrateMode::Apply, MigrateMode::Wait] {
        messages.push(start(&pool, mode).await.err().unwrap());
    }
    for message in messages {
        assert!(
            message.contains("processes that know migration 9000"),
            "{message}"
        );
        assert!(
            message.contains(&format!("none after {}", newest())),
            "{message}"
        );
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_migration_that_was_changed_after_it_had_been_applied_is_refused(pool: PgPool) {
    execute(
        &pool,
        "update _sqlx_migrations set checksum = '\\x00' where version = 7",
    )
    .await;
    for mode in [MigrateMode::Apply, MigrateMode::Wait] {
        let message = start(&pool, mode).await.err().unwrap();
        assert!(
            message.contains("migration 7 was applied in another form"),
            "{message}"
        );
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_migration_that_was_merged_late_is_still_applied(pool: PgPool) {
    execute(&pool, "delete from _sqlx_migrations where version = 22").await;
    start(&pool, MigrateMode::Apply).await.unwrap();
    let applied: i64 = sqlx::query_scalar("select count(*) from _sqlx_migrations")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(usize::try_from(applied).unwrap(), MIGRATOR.iter().count());
}

#[sqlx::test(migrations = false)]
async fn an_empty_database_is_migrated_once_by_several_at_the_same_time(pool: PgPool) {
    let starts = (0..3).map(|_| start(&pool, MigrateMode::Apply));
    for started in futures_util::future::join_all(starts).await {
        started.unwrap();
    }
}
