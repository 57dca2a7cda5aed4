//! `engines`.

use galaxy_core::Timestamp;
use galaxy_store::{Result, Tx};
use sqlx::PgConnection;

use crate::model::Engine;

#[tracing::instrument(name = "db.runtime.engines", skip_all)]
pub(crate) async fn list(connection: &mut PgConnection) -> Result<Vec<Engine>> {
    Ok(sqlx::query_as!(
        Engine,
        "select engine_name, title, is_default, created_at, updated_at
         from backend.engines order by is_default desc, engine_name limit 200",
    )
    .fetch_all(connection)
    .await?)
}

#[tracing::instrument(name = "db.runtime.engine", skip_all)]
pub(crate) async fn get(connection: &mut PgConnection, name: &str) -> Result<Option<Engine>> {
    Ok(sqlx::query_as!(
        Engine,
        "select engine_name, title, is_default, created_at, updated_at
         from backend.engines where engine_name = $1",
        name,
    )
    .fetch_optional(connection)
    .await?)
}

#[tracing::instrument(name = "db.runtime.default_engine", skip_all)]
pub(crate) async fn default_name(connection: &mut PgConnection) -> Result<String> {
    Ok(
        sqlx::query_scalar!("select engine_name from backend.engines where is_default")
            .fetch_one(connection)
            .await?,
    )
}

/// `None` if it is there already.
#[tracing::instrument(name = "db.runtime.insert_engine", skip_all)]
pub(crate) async fn insert(
    connection: &mut PgConnection,
    name: &str,
    title: &str,
    now: Timestamp,
) -> Result<Option<Engine>> {
    Ok(sqlx::query_as!(
        Engine,
        "insert into backend.engines (engine_name, title, created_at, updated_at) values ($1, $2, $3, $3)
         on conflict do nothing returning engine_name, title, is_default, created_at, updated_at",
        name,
        title,
        now,
    )
    .fetch_optional(connection)
    .await?)
}

/// Their names, locked until the transaction ends.
#[tracing::instrument(name = "db.runtime.lock_engines", skip_all)]
pub(crate) async fn lock_all(tx: &mut Tx) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        "select engine_name from backend.engines order by engine_name for no key update"
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// No engine but `name` is the default one.
#[tracing::instrument(name = "db.runtime.clear_default_engine", skip_all)]
pub(crate) async fn clear_default(tx: &mut Tx, name: &str, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "update backend.engines set is_default = false, updated_at = $2 where is_default and engine_name <> $1",
        name,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// `None` if there is no such engine.
#[tracing::instrument(name = "db.runtime.update_engine", skip_all)]
pub(crate) async fn update(
    tx: &mut Tx,
    name: &str,
    title: Option<&str>,
    make_default: bool,
    now: Timestamp,
) -> Result<Option<Engine>> {
    Ok(sqlx::query_as!(
        Engine,
        "update backend.engines set title = coalesce($2, title), is_default = is_default or $3, updated_at = $4
         where engine_name = $1 returning engine_name, title, is_default, created_at, updated_at",
        name,
        title,
        make_default,
        now,
    )
    .fetch_optional(&mut **tx)
    .await?)
}
