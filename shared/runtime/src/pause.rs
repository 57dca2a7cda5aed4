//! Pausing and resuming the turn schedule. The engine goes on running, so that players can look around.

use galaxy_core::{EngineHealth, GameId, Op, RuntimeStatus, Timestamp};
use galaxy_store::{Topic, Tx};

use crate::{
    events,
    model::{Record, RequestError},
    operations, schedule,
    store::records,
    turn,
};

/// Stops the schedule and drops a turn that waits; one being generated comes to its end first. Gives the record as it
/// stands afterwards; pausing what is paused changes nothing. A tick that is to be skipped stays so.
pub async fn pause(tx: &mut Tx, game: GameId, now: Timestamp) -> Result<Record, RequestError> {
    let mut record = records::lock(tx, game)
        .await?
        .ok_or(RequestError::NotFound)?;
    match record.status {
        RuntimeStatus::Paused | RuntimeStatus::GenerationFailed => return Ok(record),
        status if status.is_playing() => {}
        status => return Err(RequestError::WrongStatus(status)),
    }
    let dropped = operations::cancel(tx, &record, &[Op::Turn], now).await?;
    if record.status != RuntimeStatus::GenerationInProgress || dropped > 0 {
        record.status = RuntimeStatus::Paused;
    }
    record.paused_at = record.paused_at.or(Some(now));
    record.next_turn_at = None;
    records::save(tx, &mut record, now).await?;
    events::snapshot_unseen(tx, &record, now).await?;
    Ok(record)
}

/// Lets the schedule go on: the next turn is the next tick after `now`. Gives the record as it stands afterwards; resuming
/// what is not paused changes nothing.
pub async fn resume(tx: &mut Tx, game: GameId, now: Timestamp) -> Result<Record, RequestError> {
    let mut record = records::lock(tx, game)
        .await?
        .ok_or(RequestError::NotFound)?;
    let failed = record.status == RuntimeStatus::GenerationFailed;
    match record.status {
        RuntimeStatus::Paused | RuntimeStatus::GenerationFailed => {
            record.status = if record.engine_health == EngineHealth::Healthy
                || record.engine_health == EngineHealth::Unknown
            {
                RuntimeStatus::Running
            } else {
                RuntimeStatus::EngineUnreachable
            };
        }
        RuntimeStatus::GenerationInProgress if record.paused_at.is_some() => {}
        status if status.is_playing() => return Ok(record),
        status => return Err(RequestError::WrongStatus(status)),
    }
    record.paused_at = None;
    record.last_error = None;
    record.next_turn_at = schedule::next_turn(&record.turn_schedule, &record.time_zone, now);
    records::save(tx, &mut record, now).await?;
    events::snapshot_unseen(tx, &record, now).await?;
    if failed {
        turn::recognise(tx, &record, now).await?;
    }
    tx.notify(Topic::Runtime);
    Ok(record)
}
