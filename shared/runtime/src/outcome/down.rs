//! An engine is, or is to be, no longer there.

use galaxy_core::{EngineHealth, OperationStatus, RuntimeStatus, Timestamp};
use galaxy_store::Db;

use super::{Outcome, conclude, open, snapshot_unseen};
use crate::{Record, operations::Claimed, records, store};

/// Before an engine is moved: nobody is to call it, and no probe is to miss it. Gives the record.
pub async fn detached(db: &Db, operation: &Claimed, now: Timestamp) -> Outcome<Record> {
    let (mut tx, mut record) = open(db, operation).await?;
    if record.endpoint.is_some() {
        record.endpoint = None;
        store::records::save(&mut tx, &mut record, now).await?;
        tx.commit().await?;
    }
    Ok(record)
}

/// The engine was stopped; it can come back.
pub async fn stopped(db: &Db, operation: &Claimed, now: Timestamp) -> Outcome {
    down(db, operation, RuntimeStatus::Stopped, now).await
}

/// The engine was removed. A game that came to its end by itself stays `finished`.
pub async fn removed(db: &Db, operation: &Claimed, now: Timestamp) -> Outcome {
    down(db, operation, RuntimeStatus::Removed, now).await
}

async fn down(db: &Db, operation: &Claimed, status: RuntimeStatus, now: Timestamp) -> Outcome {
    let (mut tx, mut record) = open(db, operation).await?;
    if record.status != RuntimeStatus::Finished {
        record.status = status;
    }
    clear(&mut record);
    if status == RuntimeStatus::Removed {
        record.container_id = None;
    }
    let ended = OperationStatus::Succeeded;
    conclude(&mut tx, &mut record, operation, ended, None, now).await?;
    snapshot_unseen(&mut tx, &record, now).await?;
    Ok(tx.commit().await?)
}

/// The engine and its state are gone, by somebody else's hand: the record says `removed`, and the lobby is told.
/// `false` if the record has changed meanwhile.
pub async fn gone(db: &Db, record: &Record, now: Timestamp) -> Outcome<bool> {
    let mut tx = db.begin().await?;
    let Some(mut current) = records::lock(&mut tx, record.game_id).await? else {
        return Ok(false);
    };
    if current.version != record.version {
        return Ok(false);
    }
    current.status = RuntimeStatus::Removed;
    current.container_id = None;
    current.last_error = Some("the engine and its state are gone".to_owned());
    clear(&mut current);
    store::records::save(&mut tx, &mut current, now).await?;
    snapshot_unseen(&mut tx, &current, now).await?;
    tx.commit().await?;
    Ok(true)
}

fn clear(record: &mut Record) {
    record.endpoint = None;
    record.next_turn_at = None;
    record.skip_next_tick = false;
    record.engine_health = EngineHealth::Unknown;
    record.missing_readings = 0;
}
