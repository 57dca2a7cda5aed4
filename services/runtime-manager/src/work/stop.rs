//! stop: nobody calls the engine any more, then it ends; its state stays.

use galaxy_runtime::{operations::Claimed, outcome};

use super::Done;
use crate::{Manager, drivers::Driver as _};

pub(super) async fn run(manager: &Manager, operation: &Claimed) -> Done {
    outcome::detached(&manager.db, operation, manager.clock.now()).await?;
    manager.driver.stop(operation.game_id).await?;
    outcome::stopped(&manager.db, operation, manager.clock.now()).await?;
    Ok(())
}
