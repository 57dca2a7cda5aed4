//! banish: the race is out of the engine's game. Tried until it is done or the game is over.

use galaxy_core::{FailureCode, RuntimeStatus, UserId};
use galaxy_runtime::{Claimed, outcome};

use super::{Failure, Progress, Step, record};
use crate::Manager;

pub(super) async fn run(
    manager: &Manager,
    operation: &Claimed,
    user: UserId,
    race_name: &str,
) -> Progress {
    let record = record(manager, operation).await?;
    let over = record.finished_at.is_some() || record.status == RuntimeStatus::StartFailed;
    if over {
        return Err(Failure::Obsolete("the game is over".to_owned()));
    }
    let absent = |detail: String| Failure::again(FailureCode::EngineUnreachable, detail);
    let Some(engine) = record.engine() else {
        return Err(absent(format!("the runtime is {}", record.status)));
    };
    manager.engines.banish(&engine, race_name).await?;
    let Some(status) = manager.status_of(&engine).await? else {
        return Err(absent("the engine is not there".to_owned()));
    };
    let mut players = status.players.iter();
    let is_out = players.any(|player| player.race_name == race_name && !player.active);
    if !is_out {
        let detail = format!("the engine says that {race_name} still plays");
        return Err(Failure::again(FailureCode::EngineRefused, detail));
    }
    let now = manager.clock.now();
    outcome::banished(&manager.db, operation, user, &status, now).await?;
    Ok(Step::Done)
}
