//! Moving a game to another patch version of its engine.

use galaxy_core::{GameId, OperationId, Timestamp};
use galaxy_store::Tx;
use semver::Version;

use crate::{
    model::{NewOperation, RequestError, Work},
    operations,
    store::records,
    versions,
};

/// Queues the move to `version`.
pub async fn request(
    tx: &mut Tx,
    game_id: GameId,
    version: &str,
    requested_by: &str,
    now: Timestamp,
) -> Result<OperationId, RequestError> {
    let record = records::lock(tx, game_id)
        .await?
        .ok_or(RequestError::NotFound)?;
    if record.finished_at.is_some() || !record.status.has_engine() {
        return Err(RequestError::WrongStatus(record.status));
    }
    let target = versions::enabled(tx, &record.engine_name, version)
        .await?
        .ok_or_else(|| RequestError::NoEngineVersion(Some(version.to_owned())))?;
    let from = record.engine_version.unwrap_or_default();
    if !is_patch(&from, &target.version) {
        return Err(RequestError::NotAPatch {
            from,
            to: target.version,
        });
    }
    let operation = NewOperation {
        game_id,
        work: Work::Patch {
            version: target.version,
        },
        requested_by: requested_by.to_owned(),
        run_after: now,
    };
    Ok(operations::queue(tx, &operation).await?)
}

/// Whether `to` has the same major and minor version as `from` and comes after it (SemVer 2.0.0, 11).
pub fn is_patch(from: &str, to: &str) -> bool {
    match (Version::parse(from), Version::parse(to)) {
        (Ok(from), Ok(to)) => {
            (from.major, from.minor) == (to.major, to.minor) && to.cmp_precedence(&from).is_gt()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_later_patch_of_the_same_minor_version_is_a_patch() {
        for (from, to) in [
            ("1.2.3", "1.2.4"),
            ("1.2.9", "1.2.10"),
            ("1.2.3-rc.1", "1.2.3"),
        ] {
            assert!(is_patch(from, to), "{from} → {to}");
        }
        for (from, to) in [
            ("1.2.3", "1.2.3"),
            ("1.2.3", "1.2.2"),
            ("1.2.3", "1.3.4"),
            ("1.2.3", "2.2.4"),
            ("1.2.3", "1.2.3+build"),
            ("1.2.3", "1.2.3-rc.1"),
            ("", "1.2.3"),
            ("1.2.3", "next"),
        ] {
            assert!(!is_patch(from, to), "{from} → {to}");
        }
    }
}
