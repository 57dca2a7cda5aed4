//! Engine versions: which images there are, and which of them new games may use. Versions are SemVer 2.0.0, each of one
//! of the [`engines`](crate::engines).

use galaxy_core::{Resources, Timestamp};
use galaxy_store::Result;
use semver::Version;
use sqlx::PgConnection;

pub use crate::model::{EngineVersion, NewVersion, VersionChange, VersionError};
use crate::{engines, options, store};

/// The version of `engine`, if new games may use it.
pub async fn enabled(
    connection: &mut PgConnection,
    engine: &str,
    version: &str,
) -> Result<Option<EngineVersion>> {
    let found = store::versions::get(connection, engine, version).await?;
    Ok(found.filter(|version| version.enabled))
}

/// The highest enabled version of `engine` by precedence. Candidates do not count, pre-releases only if there is nothing else.
pub async fn newest_enabled(
    connection: &mut PgConnection,
    engine: &str,
) -> Result<Option<EngineVersion>> {
    let all = store::versions::list_enabled(connection, Some(engine)).await?;
    Ok(newest(&all).cloned())
}

/// The version that a game of `engine` is played with: the one named, if it is enabled, or the newest.
pub async fn chosen(
    connection: &mut PgConnection,
    engine: &str,
    version: Option<&str>,
) -> Result<Option<EngineVersion>> {
    match version {
        Some(version) => enabled(connection, engine, version).await,
        None => newest_enabled(connection, engine).await,
    }
}

/// The one of `versions` that is taken by default: see [`newest_enabled`].
pub fn newest(versions: &[EngineVersion]) -> Option<&EngineVersion> {
    versions
        .iter()
        .filter(|version| version.enabled && !version.is_candidate)
        .filter_map(|version| Some((Version::parse(&version.version).ok()?, version)))
        .max_by(|(a, _), (b, _)| (a.pre.is_empty(), a).cmp(&(b.pre.is_empty(), b)))
        .map(|(_, version)| version)
}

/// One version, enabled or not.
pub async fn get(
    connection: &mut PgConnection,
    engine: &str,
    version: &str,
) -> Result<Option<EngineVersion>> {
    store::versions::get(connection, engine, version).await
}

/// Notes what a version's image was when it was first resolved.
pub async fn note_digest(
    connection: &mut PgConnection,
    version: &EngineVersion,
    digest: &str,
    now: Timestamp,
) -> Result<()> {
    store::versions::note_digest(connection, version, digest, now).await
}

/// All versions, newest made known first. There are few, at most 1,000 are given.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<EngineVersion>> {
    store::versions::list(connection).await
}

/// The versions that new games may use, of all engines, at most 1,000.
pub async fn list_enabled(connection: &mut PgConnection) -> Result<Vec<EngineVersion>> {
    store::versions::list_enabled(connection, None).await
}

/// Engine and number in an id: `name@1.0.0`, or `1.0.0` for one of the default engine.
pub async fn parse_id(connection: &mut PgConnection, id: &str) -> Result<(String, String)> {
    match id.split_once('@') {
        Some((engine, version)) => Ok((engine.to_owned(), version.to_owned())),
        None => Ok((engines::default_name(connection).await?, id.to_owned())),
    }
}

/// Makes a version known and enabled. A runtime manager then looks for its image.
pub async fn create(
    connection: &mut PgConnection,
    new: &NewVersion,
    now: Timestamp,
) -> std::result::Result<EngineVersion, VersionError> {
    check(new)?;
    if engines::get(connection, &new.engine_name).await?.is_none() {
        return Err(VersionError::NoEngine(new.engine_name.clone()));
    }
    store::versions::insert(connection, new, now)
        .await?
        .ok_or_else(|| VersionError::Exists(new.version.clone()))
}

/// Makes a version of the first engine known at start-up; one that is known stays as operators left it. Says whether it is new.
pub async fn insert_bootstrap(
    connection: &mut PgConnection,
    version: &str,
    image_ref: &str,
    now: Timestamp,
) -> std::result::Result<bool, VersionError> {
    let new = NewVersion::plain(engines::FIRST, version, image_ref);
    match create(connection, &new, now).await {
        Ok(_) => Ok(true),
        Err(VersionError::Exists(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Changes a version. Games that run keep what they run.
pub async fn update(
    connection: &mut PgConnection,
    engine: &str,
    version: &str,
    change: &VersionChange,
    now: Timestamp,
) -> std::result::Result<EngineVersion, VersionError> {
    let missing = || VersionError::NotFound(version.to_owned());
    let before = store::versions::lock(connection, engine, version)
        .await?
        .ok_or_else(missing)?;
    let mut new = NewVersion {
        engine_name: before.engine_name,
        version: before.version,
        image_ref: change.image_ref.clone().unwrap_or(before.image_ref),
        resources: change.resources.clone().unwrap_or(before.resources),
        is_candidate: change.is_candidate.unwrap_or(before.is_candidate),
        min_players: change.min_players.unwrap_or(before.min_players),
        max_players: change.max_players.unwrap_or(before.max_players),
        options_schema: before.options_schema,
    };
    if let Some(schema) = &change.options_schema {
        new.options_schema.clone_from(schema);
    }
    check(&new)?;
    let enabled = change.enabled.unwrap_or(before.enabled);
    let is_image_new = change.image_ref.is_some();
    store::versions::update(connection, &new, enabled, is_image_new, now)
        .await?
        .ok_or_else(missing)
}

/// Hides a version from new games; running ones keep it.
pub async fn disable(
    connection: &mut PgConnection,
    engine: &str,
    version: &str,
    now: Timestamp,
) -> std::result::Result<EngineVersion, VersionError> {
    let change = VersionChange {
        enabled: Some(false),
        ..VersionChange::default()
    };
    update(connection, engine, version, &change, now).await
}

fn check(new: &NewVersion) -> std::result::Result<(), VersionError> {
    if new.version.len() > 100 || Version::parse(&new.version).is_err() {
        return Err(VersionError::NotSemver(new.version.clone()));
    }
    if !is_full_reference(&new.image_ref) {
        return Err(VersionError::NotAReference(new.image_ref.clone()));
    }
    Resources::parse(&new.resources)?;
    if !(1..=64).contains(&new.max_players) || !(1..=new.max_players).contains(&new.min_players) {
        return Err(VersionError::Players);
    }
    if let Some(schema) = &new.options_schema {
        options::check_schema(schema)?;
    }
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

/// The reference of exactly the content that `digest` says, in the repository of `image_ref`. Without a digest, and for plain
/// processes, which have no content of their own, it is `image_ref`.
pub fn pinned_reference(image_ref: &str, digest: Option<&str>) -> String {
    let sha256 = digest.filter(|digest| digest.starts_with("sha256:"));
    match sha256 {
        Some(digest) if !image_ref.starts_with("process:") => {
            let name = image_ref
                .split_once('@')
                .map_or(image_ref, |(name, _)| name);
            let path_from = name.rfind('/').map_or(0, |slash| slash + 1);
            let repository = match name[path_from..].find(':') {
                Some(colon) => &name[..path_from + colon],
                None => name,
            };
            format!("{repository}@{digest}")
        }
        _ => image_ref.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_reference_names_the_content_in_the_same_repository() {
        for (image, pinned) in [
            ("engine:1", "engine@sha256:ab"),
            ("r:5000/a/engine:1", "r:5000/a/engine@sha256:ab"),
            ("r:5000/a/engine@sha256:cd", "r:5000/a/engine@sha256:ab"),
            ("r/engine:1@sha256:cd", "r/engine@sha256:ab"),
            ("process:engine", "process:engine"),
        ] {
            assert_eq!(pinned_reference(image, Some("sha256:ab")), pinned);
            assert_eq!(pinned_reference(image, None), image);
        }
    }

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
