//! What the watch over engines writes: only changes, with their events. Who is probed when is the watcher's own memory.

use galaxy_core::{EngineHealth, RuntimeStatus, Timestamp};
use galaxy_events::{
    catalogue::runtime::{EngineRecovered, EngineUnreachable},
    outbox,
};
use galaxy_store::{Db, Result, Tx};

pub use crate::store::health::{history, latest};
use crate::{
    events,
    model::{Record, Watched},
    store::{self, records},
};

/// Misses in a row that make an engine unreachable.
pub const MISSES: u32 = 3;

/// The engines of `node` that are to be watched.
pub async fn watched(db: &Db, node: &str) -> Result<Vec<Watched>> {
    let mut connection = db.acquire().await?;
    store::health::watched(&mut connection, node).await
}

/// Writes that the engine answers, if something else is written. Gives whether it was.
pub async fn answered(db: &Db, watched: &Watched, now: Timestamp) -> Result<bool> {
    if watched.health == EngineHealth::Healthy {
        return Ok(false);
    }
    let mut tx = db.begin().await?;
    let Some(mut record) = locked_same(&mut tx, watched).await? else {
        return Ok(false);
    };
    let was = std::mem::replace(&mut record.engine_health, EngineHealth::Healthy);
    if was == EngineHealth::Healthy {
        return Ok(false);
    }
    if record.status == RuntimeStatus::EngineUnreachable {
        record.status = record.resting_status();
    }
    record.last_observed_at = Some(now);
    records::save(&mut tx, &mut record, now).await?;
    events::snapshot_unseen(&mut tx, &record, now).await?;
    if was != EngineHealth::Unknown {
        let event = EngineRecovered {
            game_id: record.game_id,
            version: record.version,
            game_name: record.game_name.clone(),
        };
        outbox::append(&mut tx, &event).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Writes that the engine has missed [`MISSES`] probes in a row, if that is not written yet. Gives whether it was.
pub async fn unreachable(db: &Db, watched: &Watched, why: &str, now: Timestamp) -> Result<bool> {
    let mut tx = db.begin().await?;
    let Some(mut record) = locked_same(&mut tx, watched).await? else {
        return Ok(false);
    };
    if record.engine_health == EngineHealth::Unreachable {
        return Ok(false);
    }
    record.engine_health = EngineHealth::Unreachable;
    record.last_error = Some(why.to_owned());
    if record.status == RuntimeStatus::Running {
        record.status = RuntimeStatus::EngineUnreachable;
    }
    records::save(&mut tx, &mut record, now).await?;
    events::snapshot_unseen(&mut tx, &record, now).await?;
    let event = EngineUnreachable {
        game_id: record.game_id,
        version: record.version,
        game_name: record.game_name.clone(),
    };
    outbox::append(&mut tx, &event).await?;
    tx.commit().await?;
    Ok(true)
}

/// The record, if the engine that was probed is still the one it names.
async fn locked_same(tx: &mut Tx, watched: &Watched) -> Result<Option<Record>> {
    let record = records::lock(tx, watched.engine.game_id).await?;
    Ok(record.filter(|record| {
        record.epoch == watched.epoch
            && record.endpoint.as_ref() == Some(&watched.engine.endpoint)
            && record.finished_at.is_none()
    }))
}
