//! patch: a restart as another version. If that version does not come up, reconciliation brings the old one back.

use galaxy_core::FailureCode;
use galaxy_runtime::{operations::Claimed, outcome, versions};

use super::{Done, Failure, record, restart};
use crate::{
    Manager,
    drivers::{Driver as _, EngineSpec},
};

pub(super) async fn run(manager: &Manager, operation: &Claimed, version: &str) -> Done {
    let found = {
        let mut connection = manager.db.acquire().await?;
        versions::enabled(&mut connection, version).await?
    };
    let Some(target) = found else {
        let detail = format!("version {version} is not enabled any more");
        return Err(Failure::never(FailureCode::ImagePullFailed, detail));
    };
    // Had before the old engine is stopped, so that a missing image costs no one a minute of play.
    manager.driver.ensure_image(&target.image_ref).await?;
    let before = record(manager, operation).await?;
    if !before.status.has_engine() {
        return Err(Failure::Obsolete(format!(
            "the runtime is {}",
            before.status
        )));
    }
    let record = outcome::detached(&manager.db, operation, manager.clock.now()).await?;
    let spec = EngineSpec {
        game_id: operation.game_id,
        image_ref: target.image_ref,
        engine_version: target.version,
    };
    restart::again(manager, operation, &record, &spec).await
}
