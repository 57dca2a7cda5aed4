//! Device sessions: made by a sign-in, `active` until revoked, never active again.
//!
//! Every request of a player asks for its session, so lookups are cached while the invalidation channel is
//! healthy, and misses share a query. A revoked session is never served as active after its revocation has
//! answered: the operation forgets it here, and tells the other replicas, before it answers.

pub mod list;
pub mod lookup;
pub mod revoke;
pub mod revoke_all;
pub mod revoke_own;
pub mod seen;
pub mod store;

use std::{sync::Arc, time::Duration};

use galaxy_core::{DeviceSessionId, Timestamp};
use galaxy_events::{
    catalogue::session::SessionRevoked,
    outbox,
    push::{self, InvalidationTarget},
};
use galaxy_http::ApiError;
use galaxy_service::{GenerationCache, Tasks};
use galaxy_store::{Db, Result, Tx};

use self::{
    lookup::{Known, Lookups},
    seen::Seen,
    store::Revoked,
};
use crate::{App, auth::metrics};

/// Active sessions that one user can have.
pub const SESSIONS_PER_USER: i64 = 20;

const CACHED_MOST: usize = 100_000;
/// An entry is read anew after this long, whatever happens.
const CACHED_FOR: Duration = Duration::from_secs(10);

/// Sessions as lookups see them: cache, misses in batches, and which were used when.
pub struct Sessions {
    cache: GenerationCache<DeviceSessionId, Arc<Known>>,
    misses: Lookups,
    /// When sessions were used, not yet written.
    pub seen: Seen,
}

impl Sessions {
    /// Nothing cached.
    pub fn new(tasks: &Tasks, db: &Db) -> Self {
        Self {
            cache: GenerationCache::new(CACHED_MOST, CACHED_FOR),
            misses: lookup::batcher(tasks, db),
            seen: Seen::default(),
        }
    }

    /// Forgets one session in this replica.
    pub fn forget(&self, id: DeviceSessionId) {
        self.cache.invalidate(&id);
    }

    /// Forgets all sessions in this replica.
    pub fn forget_all(&self) {
        self.cache.invalidate_all();
    }

    /// The session, from the cache if that may serve.
    pub async fn find(
        &self,
        app: &App,
        id: DeviceSessionId,
    ) -> std::result::Result<Option<Arc<Known>>, ApiError> {
        let healthy = app.channel.is_healthy();
        let generation = match self.cache.lookup(&id) {
            (Some(session), _) if healthy => return Ok(Some(session)),
            (_, generation) => generation,
        };
        metrics::session_lookup(if healthy { "miss" } else { "bypass" });
        let found = self.misses.submit(id).await??;
        let found = found.as_ref().map(Known::new).transpose()?.map(Arc::new);
        if let (Some(session), true) = (&found, healthy) {
            self.cache.insert(id, session.clone(), generation);
        }
        Ok(found)
    }
}

/// Writes what must be said about sessions that were just revoked: an event each, and word to the gateways.
pub async fn announce(tx: &mut Tx, revoked: &[Revoked], reason: &str) -> Result<()> {
    for session in revoked {
        let event = SessionRevoked {
            user_id: session.user_id,
            device_session_id: session.device_session_id,
            reason: reason.to_owned(),
        };
        outbox::append(tx, &event).await?;
        let target = InvalidationTarget::Session(session.device_session_id);
        push::publish_session_invalidation(tx, target, reason).await?;
    }
    Ok(())
}

/// Revokes all sessions of a user but `except`, with everything that must be said about it. After the commit, give the
/// ids to [`crate::invalidation::forget_sessions`].
#[must_use = "the caches must forget these sessions after the commit"]
pub async fn revoke_all_of(
    tx: &mut Tx,
    user_id: galaxy_core::UserId,
    except: Option<DeviceSessionId>,
    reason: &str,
    now: Timestamp,
) -> Result<Vec<DeviceSessionId>> {
    let revoked = store::revoke_all(tx, user_id, except, reason, now).await?;
    announce(tx, &revoked, reason).await?;
    Ok(revoked.iter().map(|r| r.device_session_id).collect())
}
