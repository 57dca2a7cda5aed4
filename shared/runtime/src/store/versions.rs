//! `engine_versions`.

use galaxy_core::Timestamp;
use galaxy_store::Result;
use sqlx::PgConnection;

use crate::model::{EngineVersion, NewVersion, VersionChange};

#[tracing::instrument(name = "db.runtime.version", skip_all)]
pub(crate) async fn get(
    connection: &mut PgConnection,
    version: &str,
) -> Result<Option<EngineVersion>> {
    Ok(sqlx::query_as!(
        EngineVersion,
        "select version, image_ref, image_digest, enabled, resources, created_at, updated_at
         from backend.engine_versions where version = $1",
        version,
    )
    .fetch_optional(connection)
    .await?)
}

#[tracing::instrument(name = "db.runtime.versions", skip_all)]
pub(crate) async fn list(connection: &mut PgConnection) -> Result<Vec<EngineVersion>> {
    Ok(sqlx::query_as!(
        EngineVersion,
        "select version, image_ref, image_digest, enabled, resources, created_at, updated_at
         from backend.engine_versions order by created_at desc, version desc limit 1000",
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
    Ok(sqlx::query_as!(
        EngineVersion,
        "insert into backend.engine_versions (version, image_ref, resources, created_at, updated_at)
         values ($1, $2, $3, $4, $4) on conflict do nothing
         returning version, image_ref, image_digest, enabled, resources, created_at, updated_at",
        new.version,
        new.image_ref,
        new.resources,
        now,
    )
    .fetch_optional(connection)
    .await?)
}

/// `None` if there is no such version.
#[tracing::instrument(name = "db.runtime.update_version", skip_all)]
pub(crate) async fn update(
    connection: &mut PgConnection,
    version: &str,
    change: &VersionChange,
    now: Timestamp,
) -> Result<Option<EngineVersion>> {
    Ok(sqlx::query_as!(
        EngineVersion,
        "update backend.engine_versions
         set image_digest = case when coalesce($2, image_ref) = image_ref then image_digest end,
             image_ref = coalesce($2, image_ref), enabled = coalesce($3, enabled),
             resources = coalesce($4, resources), updated_at = $5
         where version = $1
         returning version, image_ref, image_digest, enabled, resources, created_at, updated_at",
        version,
        change.image_ref,
        change.enabled,
        change.resources,
        now,
    )
    .fetch_optional(connection)
    .await?)
}

/// Notes what the version's image was when it was first resolved.
#[tracing::instrument(name = "db.runtime.note_digest", skip_all)]
pub(crate) async fn note_digest(
    connection: &mut PgConnection,
    version: &str,
    image_ref: &str,
    digest: &str,
) -> Result<()> {
    sqlx::query!(
        "update backend.engine_versions set image_digest = $3
         where version = $1 and image_ref = $2 and image_digest is null",
        version,
        image_ref,
        digest,
    )
    .execute(connection)
    .await?;
    Ok(())
}
