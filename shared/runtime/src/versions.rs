//! Engine versions: which images there are, and which of them new games may use. Versions are SemVer 2.0.0.

use galaxy_core::{Resources, Timestamp};
use galaxy_store::Result;
use semver::Version;
use serde_json::Value;
use sqlx::PgConnection;

pub use crate::model::{EngineVersion, NewVersion, VersionChange, VersionError};
use crate::store;

/// The version, if new games may use it.
pub async fn enabled(
    connection: &mut PgConnection,
    version: &str,
) -> Result<Option<EngineVersion>> {
    let found = store::versions::get(connection, version).await?;
    Ok(found.filter(|version| version.enabled))
}

/// The highest enabled version by precedence. Pre-releases count only if there is nothing else.
pub async fn newest_enabled(connection: &mut PgConnection) -> Result<Option<EngineVersion>> {
    let all = store::versions::list(connection).await?;
    Ok(all
        .into_iter()
        .filter(|version| version.enabled)
        .filter_map(|version| Some((Version::parse(&version.version).ok()?, version)))
        .max_by(|(a, _), (b, _)| (a.pre.is_empty(), a).cmp(&(b.pre.is_empty(), b)))
        .map(|(_, version)| version))
}

/// One version, enabled or not.
pub async fn get(connection: &mut PgConnection, version: &str) -> Result<Option<EngineVersion>> {
    store::versions::get(connection, version).await
}

/// Notes what a version's image was when it was first resolved.
pub async fn note_digest(
    connection: &mut PgConnection,
    version: &str,
    image_ref: &str,
    digest: &str,
) -> Result<()> {
    store::versions::note_digest(connection, version, image_ref, digest).await
}

/// All versions, newest made known first. There are few, at most 1,000 are given.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<EngineVersion>> {
    store::versions::list(connection).await
}

/// Makes a version known and enabled.
pub async fn create(
    connection: &mut PgConnection,
    new: &NewVersion,
    now: Timestamp,
) -> std::result::Result<EngineVersion, VersionError> {
    check(&new.version, &new.image_ref, &new.resources)?;
    store::versions::insert(connection, new, now)
        .await?
        .ok_or_else(|| VersionError::Exists(new.version.clone()))
}

/// Makes a version known at start-up; one that is known stays as operators left it. Says whether it is new.
pub async fn insert_bootstrap(
    connection: &mut PgConnection,
    version: &str,
    image_ref: &str,
    now: Timestamp,
) -> std::result::Result<bool, VersionError> {
    let new = NewVersion {
        version: version.to_owned(),
        image_ref: image_ref.to_owned(),
        resources: Value::Object(serde_json::Map::new()),
    };
    match create(connection, &new, now).await {
        Ok(_) => Ok(true),
        Err(VersionError::Exists(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Changes a version. Games that run keep what they run.
pub async fn update(
    connection: &mut PgConnection,
    version: &str,
    change: &VersionChange,
    now: Timestamp,
) -> std::result::Result<EngineVersion, VersionError> {
    if let Some(image_ref) = &change.image_ref
        && !is_full_reference(image_ref)
    {
        return Err(VersionError::NotAReference(image_ref.clone()));
    }
    if let Some(resources) = &change.resources {
        Resources::parse(resources)?;
    }
    store::versions::update(connection, version, change, now)
        .await?
        .ok_or_else(|| VersionError::NotFound(version.to_owned()))
}

/// Hides a version from new games; running ones keep it.
pub async fn disable(
    connection: &mut PgConnection,
    version: &str,
    now: Timestamp,
) -> std::result::Result<EngineVersion, VersionError> {
    let change = VersionChange {
        enabled: Some(false),
        ..VersionChange::default()
    };
    update(connection, version, &change, now).await
}

fn check(
    version: &str,
    image_ref: &str,
    resources: &Value,
) -> std::result::Result<(), VersionError> {
    if version.len() > 100 || Version::parse(version).is_err() {
        return Err(VersionError::NotSemver(version.to_owned()));
    }
    if !is_full_reference(image_ref) {
        return Err(VersionError::NotAReference(image_ref.to_owned()));
    }
    Resources::parse(resources)?;
    Ok(())
}

/// Whether `image_ref` says exactly what to run: a repository with a tag or a `sha256` digest (the grammar of the OCI
/// distribution specification), or `process:<name or path>` for engines that run as plain processes.
pub fn is_full_reference(image_ref: &str) -> bool {
    if image_ref.len() > 500 || !image_ref.bytes().all(|b| b.is_ascii_graphic()) {
        return false;
    }
    if let Some(program) = image_ref.strip_prefix("process:") {
        return !program.is_empty();
    }
    let (name, digest) = match image_ref.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image_ref, None),
    };
    let path_from = name.rfind('/').map_or(0, |slash| slash + 1);
    let (repository, tag) = match name[path_from..].split_once(':') {
        Some((last, tag)) => (&name[..path_from + last.len()], Some(tag)),
        None => (name, None),
    };
    let part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-/:".contains(&b);
    let named = !repository.is_empty()
        && repository.bytes().all(part)
        && !repository.split('/').any(str::is_empty);
    let tagged = tag.is_none_or(|tag| {
        (1..=128).contains(&tag.len())
            && tag
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    });
    let pinned = digest.is_none_or(|digest| {
        digest
            .strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    });
    named && tagged && pinned && (tag.is_some() || digest.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_in_full_or_refused() {
        let digest = format!("engine@sha256:{}", "a".repeat(64));
        for right in [
            "process:engine",
            "process:/opt/engine",
            "galaxy/engine:0.1.0",
            "registry.example.org:5000/galaxy/engine:1.2.3-rc.1",
            &digest,
        ] {
            assert!(is_full_reference(right), "{right}");
        }
        for wrong in [
            "",
            "engine",
            "registry.example.org:5000/engine",
            "process:",
            "Engine:1",
            "a//b:1",
            "engine:",
            "engine:1 2",
            "engine@sha256:1234",
            "engine:1\n",
        ] {
            assert!(!is_full_reference(wrong), "{wrong:?}");
        }
    }
}
