//! A Postgres that refuses, only reads, or changes its passwords; a pool that is full; a machine whose clock is wrong.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{path::Path, time::Duration};

use galaxy_core::{Clock, DependencyError, EventId};
use galaxy_service::{
    Process, Readiness, Tasks, Vars,
    config::{RotatingSecret, Value as _},
};
use galaxy_store::{Db, PostgresConfig, Result, RoleName, RuntimeRole, grant_runtime_role};
use galaxy_testkit::eventually;
use jiff::SignedDuration;
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool};

const CONNECTIONS: u32 = 2;

fn process(clock: Clock) -> Process {
    Process {
        name: "bad-server",
        clock,
        tasks: Tasks::new(),
        readiness: Readiness::default(),
    }
}

fn url(pool: &PgPool) -> String {
    pool.connect_options().to_url_lossy().to_string()
}

async fn connected(url: impl Into<RotatingSecret>) -> (Db, Process) {
    let process = process(Clock::system());
    let config = PostgresConfig::new(url, CONNECTIONS);
    (Db::connect(&config, &process).await.unwrap(), process)
}

async fn execute(pool: &PgPool, sql: impl Into<String>) {
    let sql = AssertSqlSafe(sql.into());
    sqlx::raw_sql(sql).execute(pool).await.unwrap();
}

/// Ends what connections `Db::connect` has made.
async fn break_connections(pool: &PgPool) {
    execute(
        pool,
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity
         where datname = current_database() and application_name = 'bad-server'",
    )
    .await;
}

async fn write(db: &Db) -> Result<()> {
    let mut tx = db.begin().await?;
    let insert = "insert into backend.event_streams (stream, incarnation, last_sequence)
                  values (gen_random_uuid()::text, 'x', 1)";
    sqlx::query(insert).execute(&mut *tx).await?;
    tx.commit().await
}

async fn failure(process: &Process, name: &str) -> Option<String> {
    let checks = process.readiness.check().await;
    let check = checks.into_iter().find(|check| check.name == name);
    check.unwrap().failure
}

/// A role of its own for one test, which may log in and has the rights of a process.
struct Role(String);

impl Role {
    async fn make(pool: &PgPool) -> Self {
        let id = EventId::generate().to_string().replace('-', "");
        let name = format!("galaxy_test_{id}");
        let mut owner = pool.acquire().await.unwrap();
        let role = RuntimeRole {
            name: RoleName::parse(&name).unwrap(),
            password: Some("secret".into()),
        };
        grant_runtime_role(&mut owner, &role).await.unwrap();
        Self(name)
    }

    fn url(&self, pool: &PgPool) -> String {
        let options = (*pool.connect_options()).clone();
        let options = options.username(&self.0).password("secret");
        options.to_url_lossy().to_string()
    }

    async fn drop(self, pool: &PgPool) {
        let Self(name) = self;
        execute(pool, format!("drop owned by {name}; drop role {name}")).await;
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_pool_that_is_full_says_so(pool: PgPool) {
    let (db, process) = connected(url(&pool)).await;
    let first = db.acquire().await.unwrap();
    let second = db.acquire().await.unwrap();
    let error = db.begin().await.err().unwrap();
    assert!(error.is_unavailable());
    let message = error.to_string();
    let expected =
        "all 2 connections of this process are in use (BACKEND_POSTGRES_MAX_CONNECTIONS)";
    assert!(message.contains(expected), "{message}");
    let why = failure(&process, "postgres").await.unwrap();
    assert!(why.contains(expected), "{why}");
    drop((first, second));
    assert_eq!(failure(&process, "postgres").await, None);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_postgres_that_gives_no_more_connections_is_named_as_the_cause(pool: PgPool) {
    let role = Role::make(&pool).await;
    let (db, _) = connected(role.url(&pool)).await;
    execute(&pool, format!("alter role {} connection limit 0", role.0)).await;
    break_connections(&pool).await;
    let error = db.begin().await.err().unwrap();
    assert!(error.is_unavailable());
    let message = error.to_string();
    assert!(
        message.contains("Postgres refuses") && message.contains("(53300)"),
        "{message}"
    );
    db.pool().close().await;
    role.drop(&pool).await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn connections_to_a_server_that_only_reads_are_replaced_once_another_takes_over(
    pool: PgPool,
) {
    let (db, process) = connected(url(&pool)).await;
    write(&db).await.unwrap();
    let name = pool.connect_options().get_database().unwrap().to_owned();
    execute(
        &pool,
        format!("alter database \"{name}\" set default_transaction_read_only = on"),
    )
    .await;
    break_connections(&pool).await;
    let error = eventually("writes are refused", async || write(&db).await.err()).await;
    assert!(error.is_unavailable(), "{error}");
    let why = failure(&process, "postgres").await.unwrap();
    assert!(why.contains("read-only"), "{why}");

    // The connections that are open now would only read for ever.
    execute(
        &pool,
        format!(
            "begin read write; alter database \"{name}\" reset default_transaction_read_only; commit"
        ),
    )
    .await;
    eventually("writes succeed again", async || write(&db).await.ok()).await;
    eventually("the process is ready", async || {
        failure(&process, "postgres").await.is_none().then_some(())
    })
    .await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn statements_have_limits_and_maintenance_has_none(pool: PgPool) {
    let process = process(Clock::system());
    let config = PostgresConfig {
        statement_timeout: Duration::from_secs(2),
        lock_timeout: Duration::from_millis(200),
        ..PostgresConfig::new(url(&pool), CONNECTIONS)
    };
    let db = Db::connect(&config, &process).await.unwrap();
    let limits =
        "select current_setting('statement_timeout') || ' ' || current_setting('lock_timeout')
                  || ' ' || current_setting('idle_in_transaction_session_timeout')";
    let mut tx = db.begin().await.unwrap();
    let shown: String = sqlx::query_scalar(limits)
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    assert_eq!(shown, "2s 200ms 1min");
    drop(tx);
    let mut tx = db.begin_maintenance().await.unwrap();
    let shown: String = sqlx::query_scalar(limits)
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    assert_eq!(shown, "0 200ms 1min");
    drop(tx);

    let mut holder = pool.begin().await.unwrap();
    let lock = "lock table backend.event_streams in access exclusive mode";
    sqlx::query(lock).execute(&mut *holder).await.unwrap();
    let error = write(&db).await.unwrap_err();
    assert!(error.is_unavailable(), "waited for a lock: {error}");
    holder.rollback().await.unwrap();
    write(&db).await.unwrap();

    let mut tx = db.begin().await.unwrap();
    let slow = sqlx::query("select pg_sleep(60)").execute(&mut *tx).await;
    let error = galaxy_store::Error::from(slow.unwrap_err());
    assert!(error.is_unavailable(), "took too long: {error}");
}

/// The URL as settings read it from a file.
fn from_file(path: &Path) -> RotatingSecret {
    let path = path.display().to_string();
    let lookup = move |name: &str| (name == "URL_FILE").then(|| path.clone());
    Vars::from_lookup(lookup)
        .rotating_secret("URL", "x")
        .unwrap()
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_login_that_is_replaced_in_its_file_takes_over_without_a_restart(pool: PgPool) {
    let (old, new) = (Role::make(&pool).await, Role::make(&pool).await);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("postgres-url");
    std::fs::write(&file, old.url(&pool)).unwrap();
    let (db, process) = connected(from_file(&file)).await;
    write(&db).await.unwrap();

    execute(&pool, format!("alter role {} nologin", old.0)).await;
    break_connections(&pool).await;
    let error = eventually("logins are refused", async || write(&db).await.err()).await;
    assert!(error.is_unavailable(), "{error}");
    std::fs::write(&file, new.url(&pool)).unwrap();
    write(&db).await.unwrap();
    assert_eq!(failure(&process, "postgres").await, None);

    db.pool().close().await;
    old.drop(&pool).await;
    new.drop(&pool).await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_process_goes_by_the_clock_of_the_database(pool: PgPool) {
    let process = process(Clock::system_with_error(SignedDuration::from_hours(2)));
    let config = PostgresConfig::new(url(&pool), CONNECTIONS);
    let db = Db::connect(&config, &process).await.unwrap();
    let ahead: f64 =
        sqlx::query_scalar("select extract(epoch from $1 - clock_timestamp())::double precision")
            .bind(process.clock.now())
            .fetch_one(db.pool())
            .await
            .unwrap();
    assert!(ahead.abs() < 1.0, "{ahead} s ahead of the database");
    let why = failure(&process, "clock").await.unwrap();
    assert!(why.contains("2h ahead of the database's"), "{why}");
}
