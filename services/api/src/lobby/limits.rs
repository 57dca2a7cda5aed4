//! Limits of an account, counted while its row is locked against other counters.

use galaxy_core::{Timestamp, UserId};
use galaxy_store::Tx;

use super::refusal::{Error, Refusal};
use crate::accounts::{self, LimitCode};

/// Makes others who count against the account's limits wait. Call it before the game is locked.
pub async fn lock(tx: &mut Tx, user_id: UserId) -> Result<(), Error> {
    if accounts::store::lock_for_count(tx, user_id).await? {
        Ok(())
    } else {
        Err(accounts::NotAllowed::Unknown.into())
    }
}

/// `Ok` if one more than `count` is within the limit.
pub async fn check(
    tx: &mut Tx,
    user_id: UserId,
    limit: LimitCode,
    count: i64,
    now: Timestamp,
) -> Result<(), Error> {
    let value = i64::from(accounts::effective_limit(tx, user_id, limit, now).await?);
    if count < value {
        return Ok(());
    }
    let code = limit.as_str();
    Err(Refusal::LimitReached { code, value }.into())
}
