//! restart: the engine ends if it runs, and comes up again on its state, under the next epoch.

use galaxy_core::FailureCode;
use galaxy_runtime::{
    Claimed, Record,
    engine::{EngineAddress, EngineStatus},
    outcome,
};

use super::{Failure, Progress, Step, record};
use crate::{
    Manager,
    bring_up::{BringUp, Target},
};

pub(super) async fn run(manager: &Manager, operation: &Claimed) -> Progress {
    let record = record(manager, operation).await?;
    again(manager, operation, &Target::of(&record)).await
}

/// Runs what `target` says instead of what runs now.
pub(super) async fn again(manager: &Manager, operation: &Claimed, target: &Target) -> Progress {
    if record(manager, operation).await?.finished_at.is_some() {
        return Err(Failure::Obsolete("the game is over".to_owned()));
    }
    let up = match manager.bring_up(operation, target).await? {
        BringUp::Up(up) => up,
        BringUp::Waiting(wait) => return Ok(Step::Wait(wait)),
    };
    let record = record(manager, operation).await?;
    let engine = EngineAddress {
        game_id: record.game_id,
        endpoint: up.endpoint.clone(),
        token: record.engine_token.clone(),
    };
    let status = manager.engines.status(&engine).await?;
    check(&record, &status)?;
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
