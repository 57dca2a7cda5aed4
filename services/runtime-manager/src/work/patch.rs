//! patch: a restart as another version. If that version does not come up, a restart brings the one before back.

use galaxy_core::FailureCode;
use galaxy_runtime::{Claimed, versions};

use super::{Failure, Progress, record, restart};
use crate::{Manager, bring_up::Target};

pub(super) async fn run(manager: &Manager, operation: &Claimed, version: &str) -> Progress {
    let before = record(manager, operation).await?;
    let found = {
        let mut connection = manager.db.acquire().await?;
        versions::enabled(&mut connection, &before.engine_name, version).await?
    };
    let Some(version) = found else {
        let detail = format!("version {version} is not enabled any more");
        return Err(Failure::never(FailureCode::ImagePullFailed, detail));
    };
    if !before.status.has_engine() {
        return Err(Failure::Obsolete(format!(
            "the runtime is {}",
            before.status
        )));
    }
    restart::again(manager, operation, &before, &Target::from(version)).await
}
