//! An engine is no longer there.

use galaxy_core::{Incident, OperationStatus, RuntimeStatus, Timestamp};
use galaxy_store::Db;

use super::{Outcome, conclude, open};
use crate::{
    events,
    model::{Claimed, Record},
    store::records,
};

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
    events::snapshot_unseen(&mut tx, &record, now).await?;
    Ok(tx.commit().await?)
}

/// The engine and its state are gone, by somebody else's hand: the record says `removed`, lobby, owner and operators are told.
/// If it is seen again, it is adopted. `false` if the record has changed meanwhile.
pub async fn gone(db: &Db, seen: &Record, now: Timestamp) -> Outcome<bool> {
    let mut tx = db.begin().await?;
    let Some(mut record) = records::lock(&mut tx, seen.game_id).await? else {
        return Ok(false);
    };
    if record.version != seen.version {
        return Ok(false);
    }
    record.status = RuntimeStatus::Removed;
    record.last_error = Some("the engine and its state are gone".to_owned());
    clear(&mut record);
    records::save(&mut tx, &mut record, now).await?;
    events::snapshot_unseen(&mut tx, &record, now).await?;
    events::incident(&mut tx, &record, Incident::Gone, None).await?;
    tx.commit().await?;
    Ok(true)
}

fn clear(record: &mut Record) {
    record.detach();
    record.next_turn_at = None;
    record.skip_next_tick = false;
}
