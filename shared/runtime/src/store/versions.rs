//! `engine_versions`.

use galaxy_core::{ImageCheck, Timestamp};
use galaxy_store::Result;
use sqlx::PgConnection;

use crate::model::{EngineVersion, NewVersion};

macro_rules! version {
    ($head:literal, $tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            EngineVersion,
            $head + r#" engine_name, version, image_ref, image_digest, enabled, is_candidate, resources,
                   min_players, max_players, options_schema, check_status as "check_status: ImageCheck",
                   check_requested_at, check_error, checked_at, created_at, updated_at "# + $tail
            $(, $argument)*
        )
    };
}
pub(super) use version;

#[tracing::instrument(name = "db.runtime.version", skip_all)]
pub(crate) async fn get(
    connection: &mut PgConnection,
    engine: &str,
    version: &str,
) -> Result<Option<EngineVersion>> {
    Ok(version!(
        "select",
        "from backend.engine_versions where engine_name = $1 and version = $2",
        engine,
        version,
    )
    .fetch_optional(connection)
    .await?)
}

/// Locked until the transaction ends, if there is one.
#[tracing::instrument(name = "db.runtime.lock_version", skip_all)]
pub(crate) async fn lock(
    connection: &mut PgConnection,
    engine: &str,
    version: &str,
) -> Result<Option<EngineVersion>> {
    Ok(version!(
        "select",
        "from backend.engine_versions where engine_name = $1 and version = $2 for no key update",
        engine,
        version,
    )
    .fetch_optional(connection)
    .await?)
}

#[tracing::instrument(name = "db.runtime.versions", skip_all)]
pub(crate) async fn list(connection: &mut PgConnection) -> Result<Vec<EngineVersion>> {
    Ok(version!(
        "select",
        "from backend.engine_versions order by created_at desc, version desc, engine_name limit 1000",
    )
    .fetch_all(connection)
    .await?)
}

/// Of one engine, or of all.
#[tracing::instrument(name = "db.runtime.enabled_versions", skip_all)]
pub(crate) async fn list_enabled(
    connection: &mut PgConnection,
    engine: Option<&str>,
) -> Result<Vec<EngineVersion>> {
    Ok(version!(
        "select",
        "from backend.engine_versions where enabled and engine_name = coalesce($1, engine_name)
         order by created_at desc, version desc, engine_name limit 1000",
        engine,
    )
    .fetch_all(connection)
    .await?)
}

/// `None` if the version is there already.
#[tracing::instrument(name = "db.runtime.insert_version", skip_all)]
pub(crate) async fn insert(
    connection: &mut PgConnection,
    new: &NewVersion,
    now: Timestamp,
) -> Result<Option<EngineVersion>> {
    Ok(version!(
        "insert into backend.engine_versions (engine_name, version, image_ref, resources, is_candidate, min_players,
             max_players, options_schema, check_requested_at, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $9) on conflict do nothing returning",
        "",
        new.engine_name,
        new.version,
        new.image_ref,
        new.resources,
        new.is_candidate,
        new.min_players,
        new.max_players,
        new.options_schema,
        now,
    )
    .fetch_optional(connection)
    .await?)
}

/// Writes what the version is to be; an image that was named anew is looked for anew. `None` if there is no such version.
#[tracing::instrument(name = "db.runtime.update_version", skip_all)]
pub(crate) async fn update(
    connection: &mut PgConnection,
    new: &NewVersion,
    enabled: bool,
    is_image_new: bool,
    now: Timestamp,
) -> Result<Option<EngineVersion>> {
    Ok(version!(
        "update backend.engine_versions
         set image_digest = case when not $11 then image_digest end,
             check_status = case when $11 then 'pending' else check_status end,
             check_requested_at = case when $11 then $10 else check_requested_at end,
             check_leased_until = case when not $11 then check_leased_until end,
             check_error = case when not $11 then check_error end,
             checked_at = case when not $11 then checked_at end,
             image_ref = $3, resources = $4, is_candidate = $5, min_players = $6, max_players = $7,
             options_schema = $8, enabled = $9, updated_at = $10
         where engine_name = $1 and version = $2 returning",
        "",
        new.engine_name,
        new.version,
        new.image_ref,
        new.resources,
        new.is_candidate,
        new.min_players,
        new.max_players,
        new.options_schema,
        enabled,
        now,
        is_image_new,
    )
    .fetch_optional(connection)
    .await?)
}

/// Notes what the version's image was when it was first found: it was tried by a start then.
#[tracing::instrument(name = "db.runtime.note_digest", skip_all)]
pub(crate) async fn note_digest(
    connection: &mut PgConnection,
    version: &EngineVersion,
    digest: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update backend.engine_versions
         set image_digest = $4, check_status = 'ok', check_leased_until = null, check_error = null, checked_at = $5
         where engine_name = $1 and version = $2 and image_ref = $3 and image_digest is null",
        version.engine_name,
        version.version,
        version.image_ref,
        digest,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}
