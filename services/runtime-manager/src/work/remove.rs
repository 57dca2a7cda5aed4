//! remove: the engine ends and is removed. Its state is kept for operators, who remove it by hand.

use galaxy_runtime::{operations::Claimed, outcome};

use super::Done;
use crate::{
    Manager,
    drivers::{Driver as _, Removal},
};

pub(super) async fn run(manager: &Manager, operation: &Claimed) -> Done {
    outcome::detached(&manager.db, operation, manager.clock.now()).await?;
    manager
        .driver
        .remove(operation.game_id, Removal::KeepState)
        .await?;
    outcome::removed(&manager.db, operation, manager.clock.now()).await?;
    Ok(())
}
