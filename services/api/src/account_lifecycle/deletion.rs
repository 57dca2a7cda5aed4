//! The deletion of an account, by its owner or by an operator.

use galaxy_core::{DeviceSessionId, RevocationReason, Timestamp, UserId};
use galaxy_events::{catalogue::account::AccountDeleted, outbox};
use galaxy_store::Tx;

use super::Error;
use crate::{accounts::store, auth, geo, lobby};

/// Deletes the account: revokes its sessions, closes its part in the lobby, removes its counters, frees its address and
/// overwrites its personal fields. `None` if there is no such account.
///
/// Returns the revoked sessions: give them to [`crate::auth::sessions::Sessions::forget`] after the commit.
pub async fn delete(
    tx: &mut Tx,
    user_id: UserId,
    now: Timestamp,
) -> Result<Option<Vec<DeviceSessionId>>, Error> {
    let Some(email) = store::lock_for_change(tx, user_id).await? else {
        return Ok(None);
    };
    let reason = RevocationReason::AccountDeleted.into();
    let sessions = auth::sessions::revoke_all_of(tx, user_id, None, &reason, now).await?;
    lobby::end_participation(tx, user_id, now).await?;
    geo::store::remove(tx, user_id).await?;
    auth::store::drop_challenges(tx, &email).await?;
    store::erase(tx, user_id, now).await?;
    outbox::append(tx, &AccountDeleted { user_id }).await?;
    Ok(Some(sessions))
}
