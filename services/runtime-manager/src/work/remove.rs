//! remove: the engine ends and is removed. Its state is kept for operators, unless the game never began.

use galaxy_runtime::{Claimed, outcome};

use super::{Progress, Step};
use crate::{Manager, work::Wait};

pub(super) async fn run(manager: &Manager, operation: &Claimed) -> Progress {
    let record = outcome::detached(&manager.db, operation, manager.clock.now()).await?;
    if record.started_at.is_none() {
        if !manager.undo(record.game_id, record.epoch).await? {
            return Ok(Step::Wait(Wait::soon("the engine's removal")));
        }
    } else if let Some(wait) = manager.take_down(&record).await? {
        return Ok(Step::Wait(wait));
    }
    outcome::removed(&manager.db, operation, manager.clock.now()).await?;
    Ok(Step::Done)
}
