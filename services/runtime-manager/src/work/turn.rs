//! turn: the engine generates exactly the expected turn; an engine that is down is brought up first.

use galaxy_core::{FailureCode, GameStage};
use galaxy_runtime::{
    Record,
    engine::{Endpoint, EngineStatus},
    operations::Claimed,
    outcome::{self, TurnBegin},
};

use super::{Done, Failure};
use crate::{Manager, engines::spec_of};

pub(super) async fn run(manager: &Manager, operation: &Claimed, expected: u32) -> Done {
    let (db, clock) = (&manager.db, &manager.clock);
    let record = match outcome::turn_begun(db, operation, expected, clock.now()).await? {
        TurnBegin::Go(record) => record,
        TurnBegin::AlreadyThere => {
            outcome::turn_superfluous(db, operation, clock.now()).await?;
            return Ok(());
        }
        TurnBegin::Obsolete(status) => {
            return Err(Failure::Obsolete(format!("the runtime is {status}")));
        }
    };
    let status = generate(manager, operation, &record, expected).await?;
    check(&record, expected, &status)?;
    let grace = manager.finished_grace;
    outcome::turn_generated(db, operation, &status, grace, clock.now()).await?;
    Ok(())
}

async fn generate(
    manager: &Manager,
    operation: &Claimed,
    record: &Record,
    expected: u32,
) -> Result<EngineStatus, Failure> {
    let endpoint = match &record.endpoint {
        Some(endpoint) if manager.plays(endpoint, record.game_id).await? => endpoint.clone(),
        _ => revive(manager, operation, record).await?,
    };
    Ok(manager.engines.turn(&endpoint, expected).await?)
}

/// Makes sure that the engine runs and answers, and notes where.
async fn revive(
    manager: &Manager,
    operation: &Claimed,
    record: &Record,
) -> Result<Endpoint, Failure> {
    tracing::warn!("the engine is not there for its turn; bringing it up");
    let up = manager.bring_up(&spec_of(record)).await?;
    outcome::attached(&manager.db, operation, &up, manager.clock.now()).await?;
    Ok(up.endpoint)
}

fn check(record: &Record, expected: u32, status: &EngineStatus) -> Done {
    let there = status.turn >= expected || status.stage == GameStage::Finished;
    if status.game_id == record.game_id && there {
        Ok(())
    } else {
        Err(Failure::again(
            FailureCode::EngineRefused,
            format!(
                "asked for turn {expected}, the engine answered with turn {} of game {}",
                status.turn, status.game_id
            ),
        ))
    }
}
