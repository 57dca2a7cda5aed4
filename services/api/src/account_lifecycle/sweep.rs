//! Removes sanctions whose end has passed. They are ignored from their end on.
//!
//! Each account has a transaction of its own, which reads again under the account's lock, so that replicas do not
//! interfere.

use galaxy_core::Timestamp;
use galaxy_store::{Db, Result};

use super::sanction;
use crate::accounts::{
    SanctionCode,
    store::{self, Ended},
    sweep::removal,
};

/// Removes up to `batch` sanctions whose end has come.
pub async fn sanctions(db: &Db, now: Timestamp, batch: i64) -> Result<u64> {
    let ended = store::ended_sanctions(&mut *db.acquire().await?, now, batch).await?;
    let mut changed = 0;
    for sanction in ended {
        changed += u64::from(end_sanction(db, sanction, now).await?);
    }
    Ok(changed)
}

async fn end_sanction(db: &Db, sanction: Ended<SanctionCode>, now: Timestamp) -> Result<bool> {
    let mut tx = db.begin().await?;
    let Some(email) = store::lock_for_change(&mut tx, sanction.user_id).await? else {
        return Ok(false);
    };
    let change = removal(sanction);
    let removed = sanction::remove(&mut tx, &change, &email, Some(now), now).await?;
    tx.commit().await?;
    Ok(removed)
}
