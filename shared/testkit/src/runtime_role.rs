//! The role of the processes, as a deployment with a role for migrations has it.

use galaxy_service::config::Value as _;
use galaxy_store::{RoleName, RuntimeRole, grant_runtime_role};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};

/// One for all tests, since roles belong to the server: databases that are dropped take its rights with them.
const NAME: &str = "galaxy_test_runtime";

/// Another pool for the database of `pool`, whose owner grants the role what it needs there.
pub(crate) async fn pool(pool: &PgPool) -> PgPool {
    let role = RuntimeRole {
        name: RoleName::parse(NAME).expect("the role's name is right"),
        password: None,
    };
    let mut owner = pool.acquire().await.expect("the database answers");
    // Tests make it at once; one of them is first.
    let make = format!(
        "do $$ begin create role {NAME}; exception when duplicate_object or unique_violation then null; end $$"
    );
    sqlx::raw_sql(AssertSqlSafe(make))
        .execute(&mut *owner)
        .await
        .expect("a role can be made");
    grant_runtime_role(&mut owner, &role)
        .await
        .expect("the owner can grant rights");
    PgPoolOptions::new()
        .max_connections(pool.options().get_max_connections())
        .after_connect(|connection, _| {
            Box::pin(async move {
                let become_it = format!("set role {NAME}");
                sqlx::raw_sql(AssertSqlSafe(become_it))
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .connect_lazy_with(pool.connect_options().as_ref().clone())
}
