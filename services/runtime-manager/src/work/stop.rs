//! stop: nobody calls the engine any more, then it ends; its state stays.

use galaxy_runtime::{Claimed, outcome};

use super::{Progress, Step};
use crate::Manager;

pub(super) async fn run(manager: &Manager, operation: &Claimed) -> Progress {
    let record = outcome::detached(&manager.db, operation, manager.clock.now()).await?;
    if let Some(wait) = manager.put_to_sleep(&record).await? {
        return Ok(Step::Wait(wait));
    }
    outcome::stopped(&manager.db, operation, manager.clock.now()).await?;
    Ok(Step::Done)
}
