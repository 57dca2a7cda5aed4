//! The end of an account, whoever asks for it.

use galaxy_core::{DeviceSessionId, RevocationReason, Timestamp, UserId};
use galaxy_events::{catalogue::account::AccountDeleted, outbox};
use galaxy_store::Tx;

use super::Error;
use crate::{accounts::store, auth, geo, lobby};

/// Deletes the account with everything that hangs on it: sessions revoked, all it has in the lobby released, counters
/// removed, address freed, personal fields replaced. `None` if there is no such account.
///
/// Gives the revoked sessions: let the caches forget them after the commit.
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
    lobby::release_everything(tx, user_id, now).await?;
    geo::store::remove(tx, user_id).await?;
    auth::store::drop_challenges(tx, &email).await?;
    store::erase(tx, user_id, now).await?;
    outbox::append(tx, &AccountDeleted { user_id }).await?;
    Ok(Some(sessions))
}
