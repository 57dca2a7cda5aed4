//! start: image → engine → healthy → the game set up with its roster → players, schedule and record written.

use galaxy_core::{FailureCode, RuntimeStatus};
use galaxy_runtime::{
    PlayerMapping, Record, RosterEntry,
    engine::{EngineError, EngineStatus, Init, Race},
    operations::Claimed,
    outcome,
};

use super::{Done, Failure, record};
use crate::{
    Manager,
    drivers::{Driver as _, Removal},
    engines::spec_of,
};

pub(super) async fn run(manager: &Manager, operation: &Claimed, roster: &[RosterEntry]) -> Done {
    let record = record(manager, operation).await?;
    if record.status != RuntimeStatus::Starting {
        return Err(Failure::Obsolete(format!(
            "the runtime is {}",
            record.status
        )));
    }
    let up = manager.bring_up(&spec_of(&record)).await?;
    let init = init(&record, roster);
    let status = manager
        .engines
        .init(&up.endpoint, &init)
        .await
        .map_err(|error| rejected(&error))?;
    let players = players(&record, roster, &status)?;
    let now = manager.clock.now();
    outcome::started(&manager.db, operation, &up, &status, &players, now).await?;
    Ok(())
}

/// Removes what a failed try left, its state included: the game has not begun.
pub(super) async fn undo(manager: &Manager, operation: &Claimed) {
    let removed = manager
        .driver
        .remove(operation.game_id, Removal::Everything)
        .await;
    if let Err(error) = removed {
        tracing::error!(%error, "what a failed start left cannot be removed; reconciliation will");
    }
}

fn init<'a>(record: &Record, roster: &'a [RosterEntry]) -> Init<'a> {
    let race = |entry: &'a RosterEntry| Race {
        race_name: &entry.race_name,
    };
    Init {
        game_id: record.game_id,
        seed: record.seed,
        races: roster.iter().map(race).collect(),
    }
}

fn rejected(error: &EngineError) -> Failure {
    match error {
        EngineError::Refused { .. } | EngineError::Garbage(_) => {
            Failure::never(FailureCode::InitRejected, error.to_string())
        }
        _ => Failure::again(FailureCode::EngineUnhealthy, error.to_string()),
    }
}

/// Who plays what, from the roster and the engine's answer, which must fit each other.
fn players(
    record: &Record,
    roster: &[RosterEntry],
    status: &EngineStatus,
) -> Result<Vec<PlayerMapping>, Failure> {
    let misfit = |what: &str| Failure::never(FailureCode::InitRejected, what);
    if status.game_id != record.game_id {
        return Err(misfit("the engine set another game up"));
    }
    if status.players.len() != roster.len() {
        return Err(misfit("the engine set another number of races up"));
    }
    let mapping = |entry: &RosterEntry| {
        let mut players = status.players.iter();
        let player = players.find(|player| player.race_name == entry.race_name);
        player.map(|player| PlayerMapping {
            user_id: entry.user_id,
            race_name: entry.race_name.clone(),
            player_id: player.player_id,
            banished_at: None,
        })
    };
    let mappings: Option<Vec<_>> = roster.iter().map(mapping).collect();
    mappings.ok_or_else(|| misfit("the engine left a race out"))
}
