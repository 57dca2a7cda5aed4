//! restart: the engine ends if it runs, and comes up again on its state, under the next epoch.

use galaxy_core::FailureCode;
use galaxy_runtime::{Claimed, Record, engine::EngineStatus, outcome};

use super::{Failure, Progress, Step, record};
use crate::{
    Manager,
    bring_up::{BringUp, Target},
};

pub(super) async fn run(manager: &Manager, operation: &Claimed) -> Progress {
    let record = record(manager, operation).await?;
    again(manager, operation, &record, &Target::of(&record)).await
}

/// Runs what `target` says instead of what runs now.
pub(super) async fn again(
    manager: &Manager,
    operation: &Claimed,
    record: &Record,
    target: &Target,
) -> Progress {
    if record.finished_at.is_some() {
        return Err(Failure::Obsolete("the game is over".to_owned()));
    }
    let (up, engine) = match manager.bring_up(operation, target).await? {
        BringUp::Up(up, engine) => (up, engine),
        BringUp::Waiting(wait) => return Ok(Step::Wait(wait)),
    };
    let status = manager.engines.status(&engine).await?;
    check(record, &status)?;
    let now = manager.clock.now();
    outcome::came_up(&manager.db, operation, &up, &status, now).await?;
    Ok(Step::Done)
}

/// An engine that came up with another game, or behind the turn that players have seen, has lost its state.
fn check(record: &Record, status: &EngineStatus) -> Result<(), Failure> {
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
