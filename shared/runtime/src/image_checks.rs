//! Whether the image of an engine version can be had: asked for when the version is registered or its image changes, answered
//! by a runtime manager that tries it on its node.

use galaxy_core::Timestamp;
use galaxy_store::Result;
use jiff::SignedDuration;
use sqlx::PgConnection;

use crate::{
    model::{EngineVersion, VersionError},
    store,
};

/// How long a claim lasts without renewal.
pub const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// How long an image may take from the question on, until it counts as one that cannot be had.
pub const AGE_LIMIT: SignedDuration = SignedDuration::from_mins(15);

/// Asks anew. A digest that is known stays: the same content is looked for.
pub async fn request(
    connection: &mut PgConnection,
    engine: &str,
    version: &str,
    now: Timestamp,
) -> std::result::Result<EngineVersion, VersionError> {
    store::image_checks::request(connection, engine, version, now)
        .await?
        .ok_or_else(|| VersionError::NotFound(version.to_owned()))
}

/// Takes up to `limit` questions that nobody works on, the oldest first. `process:` images are for managers whose driver is
/// `process`, all others for the others, unless there is no node of that kind: then anybody says that it cannot be had.
pub async fn claim(
    connection: &mut PgConnection,
    driver: &str,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<EngineVersion>> {
    store::image_checks::claim(connection, driver == "process", limit, now, now + LEASE).await
}

/// Keeps a question for longer; `false` if it is none any more.
pub async fn renew(
    connection: &mut PgConnection,
    version: &EngineVersion,
    now: Timestamp,
) -> Result<bool> {
    store::image_checks::renew(connection, version, now + LEASE).await
}

/// Writes the answer: the digest that was found, or why there is none, unless another question was asked meanwhile. The first
/// digest that was found is what runs from then on.
pub async fn answer(
    connection: &mut PgConnection,
    version: &EngineVersion,
    found: std::result::Result<&str, &str>,
    now: Timestamp,
) -> Result<()> {
    let why: Option<String> = found.err().map(|why| why.chars().take(1_000).collect());
    let why = why.as_deref();
    store::image_checks::answer(connection, version, found.ok(), why, now).await
}
