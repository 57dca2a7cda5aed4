//! banish: the race is out of the engine's game. Tried until it is done or the game is over.

use galaxy_core::{FailureCode, RuntimeStatus, UserId};
use galaxy_runtime::{operations::Claimed, outcome};

use super::{Done, Failure, record};
use crate::Manager;

pub(super) async fn run(
    manager: &Manager,
    operation: &Claimed,
    user: UserId,
    race_name: &str,
) -> Done {
    let record = record(manager, operation).await?;
    let over = record.finished_at.is_some() || record.status == RuntimeStatus::StartFailed;
    if over {
        return Err(Failure::Obsolete("the game is over".to_owned()));
    }
    let Some(endpoint) = &record.endpoint else {
        let detail = format!("the runtime is {}", record.status);
        return Err(Failure::again(FailureCode::EngineUnreachable, detail));
    };
    if !manager.plays(endpoint, record.game_id).await? {
        let detail = "the engine is not there";
        return Err(Failure::again(FailureCode::EngineUnreachable, detail));
    }
    manager.engines.banish(endpoint, race_name).await?;
    let status = manager.engines.status(endpoint).await?;
    let now = manager.clock.now();
    outcome::banished(&manager.db, operation, user, &status, now).await?;
    Ok(())
}
