//! A race is out of its engine's game.

use galaxy_core::{OperationStatus, Timestamp, UserId};
use galaxy_store::Db;

use super::{Outcome, conclude, open};
use crate::{engine::EngineStatus, events, model::Claimed, store::players};

/// Writes it, with how the game stands without the race.
pub async fn banished(
    db: &Db,
    operation: &Claimed,
    user: UserId,
    status: &EngineStatus,
    now: Timestamp,
) -> Outcome {
    let (mut tx, mut record) = open(db, operation).await?;
    players::mark_banished(&mut tx, record.game_id, user, now).await?;
    let ended = OperationStatus::Succeeded;
    conclude(&mut tx, &mut record, operation, ended, None, now).await?;
    let seen = events::seen(&mut tx, &record, status).await?;
    events::snapshot(&mut tx, &record, &seen, now).await?;
    Ok(tx.commit().await?)
}
