//! Expires invites.

use galaxy_core::Timestamp;
use galaxy_events::catalogue::lobby::InviteExpired;
use galaxy_store::{Db, Result};

use crate::lobby::{events, store};

/// Expires up to `batch` open invites that have run out; returns how many.
pub async fn expire_invites(db: &Db, now: Timestamp, batch: i64) -> Result<u64> {
    let mut tx = db.begin().await?;
    let expired = store::invites::expire_due(&mut tx, now, batch).await?;
    for invite in &expired {
        if let Some(game) = store::games::find(&mut tx, invite.game_id).await? {
            events::invite(&mut tx, &game, invite, |invite| InviteExpired { invite }).await?;
        }
    }
    tx.commit().await?;
    Ok(expired.len() as u64)
}
