//! restart: the engine ends if it runs, and comes up again on its state.

use galaxy_core::FailureCode;
use galaxy_runtime::{Record, engine::EngineStatus, operations::Claimed, outcome};

use super::{Done, Failure};
use crate::{
    Manager,
    drivers::{Driver as _, EngineSpec},
    engines::spec_of,
};

pub(super) async fn run(manager: &Manager, operation: &Claimed) -> Done {
    let record = outcome::detached(&manager.db, operation, manager.clock.now()).await?;
    let spec = spec_of(&record);
    again(manager, operation, &record, &spec).await
}

/// Runs what `spec` says instead of what runs now.
pub(super) async fn again(
    manager: &Manager,
    operation: &Claimed,
    record: &Record,
    spec: &EngineSpec,
) -> Done {
    if record.finished_at.is_some() {
        return Err(Failure::Obsolete("the game is over".to_owned()));
    }
    manager.driver.stop(operation.game_id).await?;
    let up = manager.bring_up(spec).await?;
    let status = manager.engines.status(&up.endpoint).await?;
    check(record, &status)?;
    let now = manager.clock.now();
    outcome::came_up(&manager.db, operation, &up, &status, now).await?;
    Ok(())
}

/// An engine that came up with another game, or behind the turn that players have seen, has lost its state.
fn check(record: &Record, status: &EngineStatus) -> Done {
    if status.game_id == record.game_id && status.turn >= record.current_turn {
        Ok(())
    } else {
        Err(Failure::never(
            FailureCode::EngineRefused,
            format!(
                "the engine came up with turn {} of game {}, not with turn {}",
                status.turn, status.game_id, record.current_turn
            ),
        ))
    }
}
