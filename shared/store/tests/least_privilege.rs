//! What the role of the processes may do, and what it may not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use galaxy_service::config::Value as _;
use galaxy_store::{RoleName, RuntimeRole, grant_runtime_role};
use galaxy_testkit::World;
use sqlx::PgPool;

/// The code that Postgres refuses the statement with; `None` if it does not.
async fn refused(pool: &PgPool, sql: &'static str) -> Option<String> {
    match sqlx::raw_sql(sql).execute(pool).await {
        Err(sqlx::Error::Database(error)) => error.code().map(|code| code.to_string()),
        other => {
            other.unwrap();
            None
        }
    }
}

const FORBIDDEN: &str = "42501";

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn it_changes_rows_and_no_tables(owner: PgPool) {
    let world = World::as_runtime_role(owner).await;
    let pool = world.db.pool();
    world.account().await;
    for allowed in [
        "update backend.accounts set display_name = 'x'",
        "delete from backend.throttle_counters",
        "select min_compatible from backend.schema_compatibility",
        "select max(version) from _sqlx_migrations",
    ] {
        assert_eq!(refused(pool, allowed).await, None, "{allowed}");
    }
    for forbidden in [
        "create table backend.mine (id integer)",
        "drop table backend.throttle_counters",
        "alter table backend.accounts add column mine integer",
        "truncate backend.throttle_counters",
        "drop schema backend cascade",
        "create function backend.mine() returns integer language sql as 'select 1'",
        "alter function backend.event_outbox_drop_partitions(date) security invoker",
        "update backend.admin_audit_log set action = 'x'",
        "delete from backend.admin_audit_log",
        "update backend.schema_compatibility set min_compatible = 1",
        "delete from _sqlx_migrations",
    ] {
        assert_eq!(
            refused(pool, forbidden).await.as_deref(),
            Some(FORBIDDEN),
            "{forbidden}"
        );
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn it_has_the_partitions_of_the_outbox_made_and_dropped(owner: PgPool) {
    let world = World::as_runtime_role(owner.clone()).await;
    let pool = world.db.pool();
    let made: i32 = sqlx::query_scalar(
        "select backend.event_outbox_ensure_partitions((now() at time zone 'UTC')::date - 5, 5)",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    let dropped: i32 = sqlx::query_scalar(
        "select backend.event_outbox_drop_partitions((now() at time zone 'UTC')::date - 2)",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!((made, dropped), (5, 3));
    // What a process made is the owner's, like everything.
    let owners: Vec<String> = sqlx::query_scalar(
        "select distinct tableowner::text from pg_tables where schemaname = 'backend'",
    )
    .fetch_all(&owner)
    .await
    .unwrap();
    assert_eq!(owners.len(), 1, "{owners:?}");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_role_that_was_granted_nothing_can_do_nothing(owner: PgPool) {
    let mut connection = owner.acquire().await.unwrap();
    sqlx::raw_sql("begin; create role galaxy_test_nobody; set local role galaxy_test_nobody")
        .execute(&mut *connection)
        .await
        .unwrap();
    let call = "select backend.event_outbox_drop_partitions(now()::date)";
    let error = sqlx::raw_sql(call).execute(&mut *connection).await;
    assert!(error.unwrap_err().to_string().contains("permission denied"));
    sqlx::raw_sql("rollback")
        .execute(&mut *connection)
        .await
        .unwrap();
    // Nor could it with the schema open to it.
    let callable: Vec<bool> = sqlx::query_scalar(
        "select proacl is null or proacl::text like '%{=X%' or proacl::text like '%,=X%' from pg_proc
         where pronamespace = 'backend'::regnamespace",
    )
    .fetch_all(&owner)
    .await
    .unwrap();
    assert_eq!(callable, [false, false], "callable for everybody");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_table_of_a_later_migration_is_granted_with_it(owner: PgPool) {
    let world = World::as_runtime_role(owner.clone()).await;
    let later = "create table backend.later (id integer)";
    sqlx::raw_sql(later).execute(&owner).await.unwrap();
    let insert = "insert into backend.later values (1)";
    assert_eq!(refused(world.db.pool(), insert).await, None);
}

fn named(name: &str) -> RuntimeRole {
    RuntimeRole {
        name: RoleName::parse(name).unwrap(),
        password: None,
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_role_that_cannot_be_the_one_of_the_processes_is_named(owner: PgPool) {
    let mut connection = owner.acquire().await.unwrap();
    let missing = named("galaxy_no_such_role");
    let error = grant_runtime_role(&mut connection, &missing).await;
    let message = error.unwrap_err().to_string();
    assert!(
        message.contains("create role galaxy_no_such_role login"),
        "{message}"
    );
    let own: String = sqlx::query_scalar("select current_user::text")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    let error = grant_runtime_role(&mut connection, &named(&own)).await;
    let message = error.unwrap_err().to_string();
    assert!(message.contains("the role that migrates"), "{message}");
}
