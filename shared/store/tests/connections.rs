//! Connections that broke while nobody used them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use galaxy_core::Clock;
use galaxy_service::{Process, Readiness, Tasks};
use galaxy_store::{Db, Error, MigrateMode, PostgresConfig};
use sqlx::{ConnectOptions, PgPool};

async fn connected(pool: &PgPool) -> Db {
    let process = Process {
        name: "breaking",
        clock: Clock::system(),
        tasks: Tasks::new(),
        readiness: Readiness::default(),
    };
    let config = PostgresConfig {
        url: pool.connect_options().to_url_lossy().to_string().into(),
        max_connections: 1,
        migrate: MigrateMode::Apply,
    };
    Db::connect(&config, &process).await.unwrap()
}

/// Ends the connections of `connected`, as a restart of Postgres would, and waits until they are gone.
async fn break_connections(pool: &PgPool) {
    let end = "select count(*) filter (where pg_terminate_backend(pid, 5000)) from pg_stat_activity
               where datname = current_database() and application_name = 'breaking'";
    let ended: i64 = sqlx::query_scalar(end).fetch_one(pool).await.unwrap();
    assert_eq!(ended, 1);
}

async fn used(db: &Db) -> Result<(), Error> {
    sqlx::query("select 1").execute(db.pool()).await?;
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_connection_that_broke_fails_once_at_most_and_never_if_it_was_idle(pool: PgPool) {
    let db = connected(&pool).await;
    used(&db).await.unwrap();
    break_connections(&pool).await;
    if let Err(error) = used(&db).await {
        assert!(error.is_unavailable(), "{error}");
    }
    used(&db).await.unwrap();

    break_connections(&pool).await;
    // The pool goes by the machine's clock, which a test cannot turn on.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    used(&db).await.unwrap();
}
