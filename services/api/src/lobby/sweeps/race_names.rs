//! Releases earned race names that were not registered in time.

use galaxy_core::Timestamp;
use galaxy_store::{Db, Result};

use crate::lobby::{events, store::race_names};

/// Releases up to `batch` of them; returns how many.
pub async fn expire_race_names(db: &Db, now: Timestamp, batch: i64) -> Result<u64> {
    let mut tx = db.begin().await?;
    let expired = race_names::expired(&mut tx, now, batch).await?;
    for name in &expired {
        race_names::release(&mut tx, name.race_name_id, now).await?;
        events::race_name_released(&mut tx, name.owner_user_id, &name.name, true).await?;
    }
    tx.commit().await?;
    Ok(expired.len() as u64)
}
