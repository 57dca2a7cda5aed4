//! start: engine → healthy → the game set up with its roster → players, schedule and record written.

use std::collections::HashSet;

use galaxy_core::{FailureCode, RuntimeStatus};
use galaxy_runtime::{
    Claimed, PlayerMapping, Record, RosterEntry, RosterMismatch,
    engine::{EngineError, EngineStatus, Init, Race},
    outcome,
};

use super::{Failure, Progress, Step, record};
use crate::{
    Manager,
    bring_up::{BringUp, Target},
};

pub(super) async fn run(
    manager: &Manager,
    operation: &Claimed,
    roster: &[RosterEntry],
) -> Progress {
    let record = record(manager, operation).await?;
    if record.status != RuntimeStatus::Starting {
        return Err(Failure::Obsolete(format!(
            "the runtime is {}",
            record.status
        )));
    }
    let (up, engine) = match manager.bring_up(operation, &Target::of(&record)).await? {
        BringUp::Up(up, engine) => (up, engine),
        BringUp::Waiting(wait) => return Ok(Step::Wait(wait)),
    };
    let status = manager.engines.init(&engine, &init(&record, roster)).await;
    let status = status.map_err(|error| rejected(&error))?;
    let players = players(&record, roster, &status)?;
    let now = manager.clock.now();
    outcome::started(&manager.db, operation, &up, &status, &players, now).await?;
    Ok(Step::Done)
}

fn init<'a>(record: &'a Record, roster: &'a [RosterEntry]) -> Init<'a> {
    let race = |entry: &'a RosterEntry| Race {
        race_name: &entry.race_name,
    };
    Init {
        game_id: record.game_id,
        seed: record.seed,
        races: roster.iter().map(race).collect(),
        options: &record.options,
    }
}

fn rejected(error: &EngineError) -> Failure {
    match error {
        EngineError::Refused { .. } | EngineError::Garbage(_) | EngineError::TooLarge(_) => {
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
    let misfit = |what: String| Failure::never(FailureCode::InitRejected, what);
    if status.game_id != record.game_id {
        return Err(misfit("the engine set another game up".to_owned()));
    }
    if status.turn != 0 {
        let what = format!("the engine begins with turn {}, not with 0", status.turn);
        return Err(misfit(what));
    }
    let ids: HashSet<_> = status
        .players
        .iter()
        .map(|player| player.player_id)
        .collect();
    if ids.len() != status.players.len() {
        let what = "the engine gave two races one id".to_owned();
        return Err(misfit(what));
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
    let mappings = mappings.ok_or_else(|| misfit("the engine left a race out".to_owned()))?;
    RosterMismatch::check(&mappings, status).map_err(|error| misfit(error.to_string()))?;
    Ok(mappings)
}
