//! Connections that broke while they were idle.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use futures_util::future::try_join_all;
use galaxy_core::{Clock, DependencyError};
use galaxy_service::{Process, Readiness, Tasks};
use galaxy_store::{Db, Error, MigrateMode, PostgresConfig};
use sqlx::{ConnectOptions, Connection, PgPool};

const CONNECTIONS: u32 = 3;

async fn connected(pool: &PgPool) -> Db {
    let process = Process {
        name: "breaking",
        clock: Clock::system(),
        tasks: Tasks::new(),
        readiness: Readiness::default(),
    };
    let config = PostgresConfig {
        migrate: MigrateMode::Apply,
        ..PostgresConfig::new(
            pool.connect_options().to_url_lossy().to_string(),
            CONNECTIONS,
        )
    };
    Db::connect(&config, &process).await.unwrap()
}

/// Uses all connections, so that none is idle.
async fn all_used(db: &Db) {
    let mut held = vec![];
    for _ in 0..CONNECTIONS {
        held.push(db.acquire().await.unwrap());
    }
    let used = held.iter_mut().map(|connection| connection.ping());
    try_join_all(used).await.unwrap();
}

/// Ends the connections of `connected`, as a restart of Postgres would, and waits until they are gone.
async fn break_connections(pool: &PgPool) {
    let end = "select count(*) filter (where pg_terminate_backend(pid, 5000)) from pg_stat_activity
               where datname = current_database() and application_name = 'breaking'";
    let ended: i64 = sqlx::query_scalar(end).fetch_one(pool).await.unwrap();
    assert_eq!(ended, i64::from(CONNECTIONS));
}

async fn used(db: &Db) -> Result<(), Error> {
    sqlx::query("select 1").execute(db.pool()).await?;
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn transactions_begin_after_all_connections_were_lost(pool: PgPool) {
    let db = connected(&pool).await;
    all_used(&db).await;
    break_connections(&pool).await;
    let transactions = (0..4 * CONNECTIONS).map(|_| async {
        let mut tx = db.begin().await?;
        sqlx::query("select 1").execute(&mut *tx).await?;
        tx.commit().await
    });
    try_join_all(transactions).await.unwrap();
}

#[sqlx::test(migrations = false)]
async fn a_statement_never_fails_over_a_connection_that_broke_while_it_was_idle(pool: PgPool) {
    let db = connected(&pool).await;
    all_used(&db).await;
    break_connections(&pool).await;
    if let Err(error) = used(&db).await {
        assert!(error.is_unavailable(), "{error}");
    }
    // The pool goes by the machine's clock, which a test cannot turn on.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for _ in 0..CONNECTIONS {
        used(&db).await.unwrap();
    }
}
