//! The columns of `engine_versions` about the search for an image.

use galaxy_core::{ImageCheck, Timestamp};
use galaxy_store::Result;
use sqlx::PgConnection;

use super::versions::version;
use crate::model::EngineVersion;

/// `None` if there is no such version.
#[tracing::instrument(name = "db.runtime.request_image_check", skip_all)]
pub(crate) async fn request(
    connection: &mut PgConnection,
    engine: &str,
    name: &str,
    now: Timestamp,
) -> Result<Option<EngineVersion>> {
    Ok(version!(
        "update backend.engine_versions
         set check_status = 'pending', check_requested_at = $3, check_leased_until = null, check_error = null,
             checked_at = null
         where engine_name = $1 and version = $2 returning",
        "",
        engine,
        name,
        now,
    )
    .fetch_optional(connection)
    .await?)
}

/// Takes up to `limit` questions until `until`; which of them, says [`crate::image_checks::claim`].
#[tracing::instrument(name = "db.runtime.claim_image_checks", skip_all)]
pub(crate) async fn claim(
    connection: &mut PgConnection,
    runs_processes: bool,
    limit: i64,
    now: Timestamp,
    until: Timestamp,
) -> Result<Vec<EngineVersion>> {
    Ok(version!(
        "with open as (
             select v.engine_name as open_engine, v.version as open_version from backend.engine_versions v
             where v.check_status = 'pending' and (v.check_leased_until is null or v.check_leased_until < $3)
                 and ((v.image_ref like 'process:%') = $1
                      or not exists (select from backend.runtime_nodes n
                                     where n.lost_at is null
                                         and (n.driver = 'process') = (v.image_ref like 'process:%')))
             order by v.check_requested_at limit $2 for no key update skip locked)
         update backend.engine_versions set check_leased_until = $4 from open
         where engine_name = open_engine and version = open_version returning",
        "",
        runs_processes,
        limit,
        now,
        until,
    )
    .fetch_all(connection)
    .await?)
}

/// `false` if it is not open any more, or another question.
#[tracing::instrument(name = "db.runtime.renew_image_check", skip_all)]
pub(crate) async fn renew(
    connection: &mut PgConnection,
    version: &EngineVersion,
    until: Timestamp,
) -> Result<bool> {
    let rows = sqlx::query!(
        "update backend.engine_versions set check_leased_until = $4
         where engine_name = $1 and version = $2 and check_requested_at = $3 and check_status = 'pending'",
        version.engine_name,
        version.version,
        version.check_requested_at,
        until,
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(rows == 1)
}

#[tracing::instrument(name = "db.runtime.answer_image_check", skip_all)]
pub(crate) async fn answer(
    connection: &mut PgConnection,
    version: &EngineVersion,
    digest: Option<&str>,
    error: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update backend.engine_versions
         set check_status = case when $4::text is null then 'failed' else 'ok' end,
             image_digest = coalesce(image_digest, $4), check_error = $5, checked_at = $6, check_leased_until = null
         where engine_name = $1 and version = $2 and check_requested_at = $3 and check_status = 'pending'",
        version.engine_name,
        version.version,
        version.check_requested_at,
        digest,
        error,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}
