//! Applies and removes sanctions, with their effects on sessions, addresses and the lobby.

use galaxy_core::{DeviceSessionId, Timestamp};
use galaxy_events::{
    catalogue::account::{AccountBlocked, AccountUnblocked, SanctionApplied, SanctionRemoved},
    outbox,
};
use galaxy_store::{Result, Tx};

use super::Error;
use crate::{
    accounts::{
        SanctionCode,
        store::{self, Change},
    },
    auth, lobby,
};

/// Applies the sanction and its effects. The caller has locked the account for change; `email` is its address.
///
/// Returns the revoked sessions: give them to [`crate::auth::sessions::Sessions::forget`] after the commit.
pub async fn apply(
    tx: &mut Tx,
    change: &Change<'_, SanctionCode>,
    email: &str,
    now: Timestamp,
) -> std::result::Result<Vec<DeviceSessionId>, Error> {
    let user_id = change.user_id;
    store::apply_sanction(tx, change, now).await?;
    let event = SanctionApplied {
        user_id,
        sanction_code: change.code.into(),
        expires_at: change.expires_at,
    };
    outbox::append(tx, &event).await?;
    let sessions = match change.code.revocation_reason() {
        Some(reason) => {
            auth::sessions::revoke_all_of(tx, user_id, None, &reason.into(), now).await?
        }
        None => vec![],
    };
    if change.code == SanctionCode::PermanentBlock {
        store::set_permanent_block(tx, user_id, true, now).await?;
        auth::store::block_email(tx, email, change.reason, now).await?;
        auth::store::drop_challenges(tx, email).await?;
        lobby::end_participation(tx, user_id, now).await?;
        outbox::append(tx, &AccountBlocked { user_id }).await?;
    }
    Ok(sessions)
}

/// Removes the sanction and the block of the address. Revoked sessions and left games are not restored. `false` if it was
/// not active, or, with `ended_by`, if it ends later than that.
pub async fn remove(
    tx: &mut Tx,
    change: &Change<'_, SanctionCode>,
    email: &str,
    ended_by: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool> {
    let user_id = change.user_id;
    if !store::remove_sanction(tx, change, ended_by, now).await? {
        return Ok(false);
    }
    let event = SanctionRemoved {
        user_id,
        sanction_code: change.code.into(),
    };
    outbox::append(tx, &event).await?;
    if change.code == SanctionCode::PermanentBlock {
        store::set_permanent_block(tx, user_id, false, now).await?;
        auth::store::unblock_email(tx, email).await?;
        outbox::append(tx, &AccountUnblocked { user_id }).await?;
    }
    Ok(true)
}
