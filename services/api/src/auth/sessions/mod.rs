//! Device sessions. A sign-in opens one; it is `active` until it is revoked, for good.
//!
//! The gateway looks the session of every request up, so lookups are cached while the invalidation channel is healthy, and
//! misses share a query. A revoked session is never served as active after the response to its revocation: the operation
//! removes it from this replica's cache, and notifies the other replicas, before it responds.

pub mod last_seen;
pub mod list;
pub mod lookup;
pub mod revoke;
pub mod revoke_all;
pub mod revoke_own;
pub mod store;

use std::{ops::Deref, sync::Arc, time::Duration};

use axum::extract::FromRef;
use galaxy_core::{Clock, DeviceSessionId, OpenEnum, RevocationReason, Timestamp};
use galaxy_events::{
    catalogue::session::SessionRevoked,
    outbox,
    push::{self, InvalidationTarget},
};
use galaxy_service::{GenerationCache, Tasks};
use galaxy_store::{Db, Result, Tx};
use uuid::Uuid;

use self::{
    last_seen::LastSeen,
    lookup::{CachedSession, Lookups},
    store::Revoked,
};
use crate::{
    accounts::Accounts,
    invalidation::{Invalidated, Invalidation},
};

/// Active sessions that one user can have.
pub const SESSIONS_PER_USER: i64 = 20;

/// The topic on which replicas publish ended sessions.
const TOPIC: &str = "sessions";
/// Sessions named in one message.
const IDS_PER_MESSAGE: usize = 1_000;

const CACHE_CAPACITY: usize = 100_000;
/// A bound on how stale an entry can be, should an invalidation be lost.
const CACHE_TIME_TO_LIVE: Duration = Duration::from_secs(10);

type Cache = GenerationCache<DeviceSessionId, Arc<CachedSession>>;

/// The state of device sessions. Cheap to clone: it is cloned for every lookup.
#[derive(Clone)]
pub struct Sessions(Arc<State>);

/// The fields of [`Sessions`], shared by its clones.
pub struct State {
    db: Db,
    clock: Clock,
    accounts: Accounts,
    cache: Arc<Cache>,
    /// Lookups that the cache cannot answer, in batches.
    misses: Lookups,
    /// When sessions were used, not yet written.
    last_seen: LastSeen,
    invalidation: Invalidation,
}

impl Deref for Sessions {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl FromRef<Sessions> for Accounts {
    fn from_ref(sessions: &Sessions) -> Self {
        sessions.accounts.clone()
    }
}

impl Sessions {
    /// Sessions in `db`, of which none is cached yet.
    pub fn new(
        tasks: &Tasks,
        db: &Db,
        clock: &Clock,
        accounts: &Accounts,
        invalidation: &Invalidation,
    ) -> Self {
        let cache = Arc::new(Cache::new(CACHE_CAPACITY, CACHE_TIME_TO_LIVE));
        invalidation.register(TOPIC, cache.clone());
        let revoked = cache.clone();
        invalidation.register_event(move |event: &SessionRevoked| {
            revoked.invalidate(&event.device_session_id);
        });
        Self(Arc::new(State {
            db: db.clone(),
            clock: clock.clone(),
            accounts: accounts.clone(),
            cache,
            misses: lookup::batcher(tasks, db),
            last_seen: LastSeen::default(),
            invalidation: invalidation.clone(),
        }))
    }

    /// Removes ended sessions from the caches of all replicas. Call it after the commit and before the response.
    pub async fn forget(&self, ids: &[DeviceSessionId]) {
        for part in ids.chunks(IDS_PER_MESSAGE) {
            let message: Vec<u8> = part.iter().flat_map(|id| id.uuid().into_bytes()).collect();
            self.invalidation.send(TOPIC, message.into()).await;
        }
    }
}

/// A message is a list of session ids, 16 bytes each.
impl Invalidated for Cache {
    fn forget(&self, message: &[u8]) {
        for id in message.chunks_exact(16) {
            if let Ok(id) = Uuid::from_slice(id) {
                self.invalidate(&id.into());
            }
        }
    }

    fn forget_all(&self) {
        self.invalidate_all();
    }
}

/// Appends an event and an invalidation for the gateways for each session that was just revoked.
pub async fn publish_revocations(
    tx: &mut Tx,
    revoked: &[Revoked],
    reason: &OpenEnum<RevocationReason>,
) -> Result<()> {
    for session in revoked {
        let event = SessionRevoked {
            user_id: session.user_id,
            device_session_id: session.device_session_id,
            reason: reason.clone(),
        };
        outbox::append(tx, &event).await?;
        let target = InvalidationTarget::Session(session.device_session_id);
        push::publish_session_invalidation(tx, target, reason).await?;
    }
    Ok(())
}

/// Revokes all sessions of a user but `except` and publishes the revocations. After the commit, give the ids to
/// [`Sessions::forget`].
#[must_use = "give these sessions to `Sessions::forget` after the commit"]
pub async fn revoke_all_of(
    tx: &mut Tx,
    user_id: galaxy_core::UserId,
    except: Option<DeviceSessionId>,
    reason: &OpenEnum<RevocationReason>,
    now: Timestamp,
) -> Result<Vec<DeviceSessionId>> {
    let revoked = store::revoke_all(tx, user_id, except, reason, now).await?;
    publish_revocations(tx, &revoked, reason).await?;
    Ok(revoked.iter().map(|r| r.device_session_id).collect())
}
