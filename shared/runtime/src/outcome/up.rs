//! An engine came up: for the first time, or again.

use galaxy_core::{EngineHealth, OperationStatus, RuntimeStatus, Timestamp};
use galaxy_store::Db;

use super::{Outcome, conclude, open, seen, snapshot};
use crate::{
    PlayerMapping, Record,
    engine::{Endpoint, EngineStatus},
    operations::Claimed,
    records, schedule, store,
};

/// What came up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineUp {
    /// The driver's name of it.
    pub container_id: String,
    /// Where it is reached.
    pub endpoint: Endpoint,
    /// What it runs from.
    pub image_ref: String,
    /// Its version.
    pub engine_version: String,
}

/// The game is set up: its players are known, its schedule begins.
pub async fn started(
    db: &Db,
    operation: &Claimed,
    up: &EngineUp,
    status: &EngineStatus,
    players: &[PlayerMapping],
    now: Timestamp,
) -> Outcome {
    let (mut tx, mut record) = open(db, operation).await?;
    store::players::map(&mut tx, record.game_id, players).await?;
    record.started_at = record.started_at.or(Some(now));
    attach(&mut record, up, now);
    record.current_turn = status.turn;
    record.status = record.resting_status();
    go_on(&mut record, now);
    let ended = OperationStatus::Succeeded;
    conclude(&mut tx, &mut record, operation, ended, None, now).await?;
    let seen = seen(&mut tx, &record, status).await?;
    snapshot(&mut tx, &record, &seen, now).await?;
    tx.notify(galaxy_store::Topic::Runtime);
    Ok(tx.commit().await?)
}

/// The engine runs again, by a restart or as another patch version.
pub async fn came_up(
    db: &Db,
    operation: &Claimed,
    up: &EngineUp,
    status: &EngineStatus,
    now: Timestamp,
) -> Outcome {
    let (mut tx, mut record) = open(db, operation).await?;
    attach(&mut record, up, now);
    if !matches!(
        record.status,
        RuntimeStatus::GenerationInProgress | RuntimeStatus::GenerationFailed
    ) {
        record.status = record.resting_status();
    }
    go_on(&mut record, now);
    let ended = OperationStatus::Succeeded;
    conclude(&mut tx, &mut record, operation, ended, None, now).await?;
    let seen = seen(&mut tx, &record, status).await?;
    snapshot(&mut tx, &record, &seen, now).await?;
    tx.notify(galaxy_store::Topic::Runtime);
    Ok(tx.commit().await?)
}

/// The engine that `record` told of was found, or was brought back, under another name or address: only that changes.
/// `false` if the record has changed meanwhile.
pub async fn adopted(db: &Db, record: &Record, up: &EngineUp, now: Timestamp) -> Outcome<bool> {
    let mut tx = db.begin().await?;
    let Some(mut current) = records::lock(&mut tx, record.game_id).await? else {
        return Ok(false);
    };
    if current.version != record.version {
        return Ok(false);
    }
    current.container_id = Some(up.container_id.clone());
    current.endpoint = Some(up.endpoint.clone());
    current.missing_readings = 0;
    store::records::save(&mut tx, &mut current, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// The engine was brought up within an operation that goes on.
pub async fn attached(db: &Db, operation: &Claimed, up: &EngineUp, now: Timestamp) -> Outcome {
    let (mut tx, mut record) = open(db, operation).await?;
    attach(&mut record, up, now);
    store::records::save(&mut tx, &mut record, now).await?;
    Ok(tx.commit().await?)
}

fn attach(record: &mut Record, up: &EngineUp, now: Timestamp) {
    record.container_id = Some(up.container_id.clone());
    record.endpoint = Some(up.endpoint.clone());
    record.image_ref = Some(up.image_ref.clone());
    record.engine_version = Some(up.engine_version.clone());
    record.engine_health = EngineHealth::Healthy;
    record.missing_readings = 0;
    record.last_error = None;
    record.last_observed_at = Some(now);
}

/// Sets the next tick of a schedule that stood still while the engine was away.
fn go_on(record: &mut Record, now: Timestamp) {
    if record.status.is_playing() && record.paused_at.is_none() {
        record.next_turn_at = record
            .next_turn_at
            .or_else(|| schedule::next_turn(&record.turn_schedule, &record.time_zone, now));
    }
}
