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

use std::{ops::Deref, sync::Arc, time::Duration};

use axum::extract::FromRef;
use galaxy_core::{Clock, DeviceSessionId, OpenEnum, RevocationReason, Timestamp};
use galaxy_events::{
    catalogue::session::SessionRevoked,
    outbox,
    push::{self, InvalidationTarget},
};
use galaxy_http::ApiError;
use galaxy_service::{GenerationCache, Tasks};
use galaxy_store::{Db, Result, Tx};
use uuid::Uuid;

use self::{
    lookup::{Known, Lookups},
    seen::Seen,
    store::Revoked,
};
use crate::{
    accounts::Accounts,
    auth::metrics,
    invalidation::{Invalidated, Invalidation},
};

/// Active sessions that one user can have.
pub const SESSIONS_PER_USER: i64 = 20;

/// Where ended sessions are named to the other replicas.
const TOPIC: &str = "sessions";
/// Sessions named in one message.
const IDS_PER_MESSAGE: usize = 1_000;

const CACHED_MOST: usize = 100_000;
/// An entry is read anew after this long, whatever happens.
const CACHED_FOR: Duration = Duration::from_secs(10);

type Cache = GenerationCache<DeviceSessionId, Arc<Known>>;

/// The state of device sessions. Cheap to clone: it is cloned for every lookup.
#[derive(Clone)]
pub struct Sessions(Arc<State>);

/// What [`Sessions`] share.
pub struct State {
    db: Db,
    clock: Clock,
    accounts: Accounts,
    cache: Arc<Cache>,
    /// Lookups that the cache cannot answer, in batches.
    misses: Lookups,
    /// When sessions were used, not yet written.
    seen: Seen,
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
        let cache = Arc::new(Cache::new(CACHED_MOST, CACHED_FOR));
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
            seen: Seen::default(),
            invalidation: invalidation.clone(),
        }))
    }

    /// Lets the caches of all replicas forget ended sessions. Call it after the commit and before the answer.
    pub async fn forget(&self, ids: &[DeviceSessionId]) {
        for part in ids.chunks(IDS_PER_MESSAGE) {
            let message: Vec<u8> = part.iter().flat_map(|id| id.uuid().into_bytes()).collect();
            self.invalidation.send(TOPIC, message.into()).await;
        }
    }

    /// The session, from the cache if that may serve.
    async fn find(&self, id: DeviceSessionId) -> std::result::Result<Option<Arc<Known>>, ApiError> {
        let healthy = self.invalidation.is_healthy();
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

/// Writes what must be said about sessions that were just revoked: an event each, and word to the gateways.
pub async fn announce(
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

/// Revokes all sessions of a user but `except`, with everything that must be said about it. After the commit, give the
/// ids to [`Sessions::forget`].
#[must_use = "the caches must forget these sessions after the commit"]
pub async fn revoke_all_of(
    tx: &mut Tx,
    user_id: galaxy_core::UserId,
    except: Option<DeviceSessionId>,
    reason: &OpenEnum<RevocationReason>,
    now: Timestamp,
) -> Result<Vec<DeviceSessionId>> {
    let revoked = store::revoke_all(tx, user_id, except, reason, now).await?;
    announce(tx, &revoked, reason).await?;
    Ok(revoked.iter().map(|r| r.device_session_id).collect())
}
