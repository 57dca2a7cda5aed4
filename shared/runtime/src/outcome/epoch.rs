//! The epoch of an engine, taken before the engine is made, and what closes an engine for callers.

use galaxy_core::Timestamp;
use galaxy_store::Db;

use super::{Outcome, open, open_held};
use crate::{
    model::{Claimed, EndError, EngineToken, Record},
    store::{leases, records},
};

/// Takes the next epoch of the game's engine for this operation, on `node`, and closes the old engine for callers; one that
/// the operation took before is kept. Gives the record. From the commit on drivers refuse verbs of older epochs, and nobody
/// is to call the old engine.
pub async fn epoch_taken(
    db: &Db,
    operation: &Claimed,
    node: &str,
    now: Timestamp,
) -> Outcome<Record> {
    let (mut tx, mut record, held) = open_held(db, operation).await?;
    if held.cancel_requested {
        return Err(EndError::Withdrawn);
    }
    if let Some(epoch) = held.epoch {
        return if epoch == record.epoch {
            Ok(record)
        } else {
            Err(EndError::Superseded)
        };
    }
    record.epoch += 1;
    record.node_id = Some(node.to_owned());
    record.engine_token = Some(EngineToken::generate());
    record.endpoint = None;
    record.missing_readings = 0;
    record.missing_since = None;
    records::save(&mut tx, &mut record, now).await?;
    leases::note_epoch(&mut tx, operation, record.epoch, now).await?;
    tx.commit().await?;
    Ok(record)
}

/// Raises the record's epoch to that of an engine which was found: the database was restored from an older backup. The next
/// epoch that is taken is above it.
pub async fn epoch_raised(db: &Db, operation: &Claimed, found: i64, now: Timestamp) -> Outcome {
    let (mut tx, mut record) = open(db, operation).await?;
    if found > record.epoch {
        record.epoch = found;
        records::save(&mut tx, &mut record, now).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Before an engine is ended: nobody is to call it, and no probe is to miss it. Gives the record.
pub async fn detached(db: &Db, operation: &Claimed, now: Timestamp) -> Outcome<Record> {
    let (mut tx, mut record) = open(db, operation).await?;
    if record.endpoint.is_some() {
        record.endpoint = None;
        records::save(&mut tx, &mut record, now).await?;
        tx.commit().await?;
    }
    Ok(record)
}
