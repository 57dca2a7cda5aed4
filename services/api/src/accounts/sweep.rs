//! Removes entitlements and limits whose end has passed.
//!
//! They are ignored from their end on; the sweep updates the tables of those in force and appends the events. Each account has a
//! transaction of its own, which reads again under the account's lock, so that replicas do not interfere.

use galaxy_core::{Timestamp, UserId};
use galaxy_events::{catalogue::account::EntitlementChanged, outbox};
use galaxy_store::{Db, Result};

use super::{
    model::{LimitCode, Tier},
    store::{self, Change, Ended, Grant},
};

/// The actor of expirations, in records.
const ACTOR: &str = "system";
/// The reason of expirations, in records.
const REASON: &str = "It ran out.";

/// The change that removes what has ended.
pub fn removal<C>(ended: Ended<C>) -> Change<'static, C> {
    Change {
        user_id: ended.user_id,
        code: ended.code,
        reason: REASON,
        actor: ACTOR,
        expires_at: None,
    }
}

/// Returns up to `batch` accounts whose paid tier has ended to the free tier.
pub async fn entitlements(db: &Db, now: Timestamp, batch: i64) -> Result<u64> {
    let ended = store::ended_entitlements(&mut *db.acquire().await?, now, batch).await?;
    let mut changed = 0;
    for user_id in ended {
        changed += u64::from(end_entitlement(db, user_id, now).await?);
    }
    Ok(changed)
}

async fn end_entitlement(db: &Db, user_id: UserId, now: Timestamp) -> Result<bool> {
    let mut tx = db.begin().await?;
    if store::lock_for_change(&mut tx, user_id).await?.is_none() {
        return Ok(false);
    }
    let held = store::entitlement(&mut tx, user_id).await?;
    if held.at(now) == held {
        return Ok(false);
    }
    let grant = Grant {
        user_id,
        tier: Tier::Free,
        ends_at: None,
        source: "expiry",
        reason: None,
        actor: ACTOR,
    };
    store::grant(&mut tx, &grant, now).await?;
    let event = EntitlementChanged {
        user_id,
        tier: Tier::Free.into(),
        ends_at: None,
    };
    outbox::append(&mut tx, &event).await?;
    tx.commit().await?;
    Ok(true)
}

/// Removes up to `batch` limits whose end has come.
pub async fn limits(db: &Db, now: Timestamp, batch: i64) -> Result<u64> {
    let ended = store::ended_limits(&mut *db.acquire().await?, now, batch).await?;
    let mut changed = 0;
    for limit in ended {
        changed += u64::from(end_limit(db, limit, now).await?);
    }
    Ok(changed)
}

async fn end_limit(db: &Db, limit: Ended<LimitCode>, now: Timestamp) -> Result<bool> {
    let mut tx = db.begin().await?;
    if store::lock_for_change(&mut tx, limit.user_id)
        .await?
        .is_none()
    {
        return Ok(false);
    }
    let change = removal(limit);
    let removed = store::remove_limit(&mut tx, &change, Some(now), now).await?;
    tx.commit().await?;
    Ok(removed)
}
