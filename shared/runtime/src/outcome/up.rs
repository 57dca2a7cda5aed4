//! An engine came up: for the first time, or again.

use galaxy_core::{Endpoint, EngineHealth, OperationStatus, RuntimeStatus, Timestamp};
use galaxy_events::{catalogue::runtime::EngineRecovered, outbox};
use galaxy_store::{Db, Result, Topic, Tx};

use super::{Outcome, conclude, open_current};
use crate::{
    engine::EngineStatus,
    events,
    model::{Claimed, EngineUp, PlayerMapping, Record},
    schedule,
    store::{players, records},
    turn,
};

/// The game is set up: its players are known, its schedule begins.
pub async fn started(
    db: &Db,
    operation: &Claimed,
    up: &EngineUp,
    status: &EngineStatus,
    players: &[PlayerMapping],
    now: Timestamp,
) -> Outcome {
    let (mut tx, mut record) = open_current(db, operation).await?;
    players::map(&mut tx, record.game_id, players).await?;
    record.started_at = record.started_at.or(Some(now));
    record.attach(up, now);
    record.current_turn = status.turn;
    record.status = record.resting_status();
    go_on(&mut record, now);
    let ended = OperationStatus::Succeeded;
    conclude(&mut tx, &mut record, operation, ended, None, now).await?;
    let seen = events::seen(&mut tx, &record, status).await?;
    events::snapshot(&mut tx, &record, &seen, now).await?;
    tx.notify(Topic::Runtime);
    Ok(tx.commit().await?)
}

/// The engine runs again, by a restart or as another patch version. Has it generated a turn whose answer was lost, that turn is
/// written next.
pub async fn came_up(
    db: &Db,
    operation: &Claimed,
    up: &EngineUp,
    status: &EngineStatus,
    now: Timestamp,
) -> Outcome {
    let (mut tx, mut record) = open_current(db, operation).await?;
    let was = record.engine_health;
    record.attach(up, now);
    if !matches!(
        record.status,
        RuntimeStatus::GenerationInProgress | RuntimeStatus::GenerationFailed
    ) {
        record.status = record.resting_status();
    }
    go_on(&mut record, now);
    let ended = OperationStatus::Succeeded;
    conclude(&mut tx, &mut record, operation, ended, None, now).await?;
    let seen = events::seen(&mut tx, &record, status).await?;
    events::snapshot(&mut tx, &record, &seen, now).await?;
    recovered(&mut tx, &record, was).await?;
    if status.turn > record.current_turn {
        turn::recognise(&mut tx, &record, now).await?;
    }
    tx.notify(Topic::Runtime);
    Ok(tx.commit().await?)
}

/// The engine was brought up within an operation that goes on. Gives the record.
pub async fn attached(
    db: &Db,
    operation: &Claimed,
    up: &EngineUp,
    now: Timestamp,
) -> Outcome<Record> {
    let (mut tx, mut record) = open_current(db, operation).await?;
    let was = record.engine_health;
    record.attach(up, now);
    records::save(&mut tx, &mut record, now).await?;
    recovered(&mut tx, &record, was).await?;
    tx.commit().await?;
    Ok(record)
}

/// An engine that was found.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The driver's name of it.
    pub container_id: &'a str,
    /// Where it is reached.
    pub endpoint: &'a Endpoint,
}

/// The engine of `seen` was found on `node`, under another name or address, or after it was given up. What it answers is asked
/// by the next probe. `false` if the record has changed meanwhile.
pub async fn adopted(
    db: &Db,
    seen: &Record,
    node: &str,
    found: Found<'_>,
    now: Timestamp,
) -> Result<bool> {
    let mut tx = db.begin().await?;
    let Some(mut record) = records::lock(&mut tx, seen.game_id).await? else {
        return Ok(false);
    };
    if record.version != seen.version {
        return Ok(false);
    }
    let changed = record.is_lost();
    record.node_id = Some(node.to_owned());
    record.container_id = Some(found.container_id.to_owned());
    record.endpoint = Some(found.endpoint.clone());
    record.missing_readings = 0;
    record.missing_since = None;
    if changed {
        record.status = record.resting_status();
        record.last_error = None;
        go_on(&mut record, now);
    }
    records::save(&mut tx, &mut record, now).await?;
    if changed {
        events::snapshot_unseen(&mut tx, &record, now).await?;
        tx.notify(Topic::Runtime);
    }
    tx.commit().await?;
    Ok(true)
}

/// Tells that the engine answers again, if it was said that it does not.
async fn recovered(tx: &mut Tx, record: &Record, was: EngineHealth) -> Result<()> {
    if matches!(was, EngineHealth::Unknown | EngineHealth::Healthy) {
        return Ok(());
    }
    let event = EngineRecovered {
        game_id: record.game_id,
        version: record.version,
        game_name: record.game_name.clone(),
    };
    outbox::append(tx, &event).await?;
    Ok(())
}

/// Sets the next tick of a schedule that stood still while the engine was away.
fn go_on(record: &mut Record, now: Timestamp) {
    if record.status.is_playing() && record.paused_at.is_none() {
        record.next_turn_at = record
            .next_turn_at
            .or_else(|| schedule::next_turn(&record.turn_schedule, &record.time_zone, now));
    }
}
