//! Sessions that were looked up lately. They are kept only while the push stream is live, since it reports their end.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use ed25519_dalek::VerifyingKey;
use galaxy_core::{DeviceSessionId, UserId};
use galaxy_service::{Generation, GenerationCache};

const CAPACITY: usize = 100_000;

/// An active session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    pub user: UserId,
    /// Verifies the signatures of the session's requests.
    pub key: VerifyingKey,
}

/// The cache. A value that was read before an invalidation is not kept; see [`GenerationCache`].
#[derive(Debug)]
pub struct SessionCache {
    sessions: GenerationCache<DeviceSessionId, Session, UserId>,
    /// Whether the push stream is live, so that the end of a session is reported.
    live: AtomicBool,
}

impl SessionCache {
    /// An empty cache that keeps sessions for `ttl`; not live.
    pub fn new(ttl: Duration) -> Self {
        Self {
            sessions: GenerationCache::new(CAPACITY, ttl),
            live: AtomicBool::new(false),
        }
    }

    /// The session, if it is cached; and the generation to give to [`SessionCache::insert`] otherwise.
    pub fn lookup(&self, id: DeviceSessionId) -> (Option<Session>, Generation) {
        let (session, generation) = self.sessions.lookup(&id);
        (session.filter(|_| self.is_live()), generation)
    }

    /// Keeps a session that was looked up in `generation`, unless it was invalidated since.
    pub fn insert(&self, id: DeviceSessionId, session: Session, generation: Generation) {
        if self.is_live() {
            self.sessions
                .insert_owned(session.user, id, session, generation);
        }
    }

    /// Whether the session was not invalidated since `generation` was taken.
    pub fn is_current(&self, id: DeviceSessionId, generation: Generation) -> bool {
        self.sessions.is_current(&id, generation)
    }

    /// Removes a session that ended.
    pub fn invalidate_session(&self, id: DeviceSessionId) {
        self.sessions.invalidate(&id);
    }

    /// Removes all sessions of a user.
    pub fn invalidate_user(&self, user: UserId) {
        self.sessions.invalidate_owner(&user);
    }

    /// Notes whether the push stream is live. Everything is invalidated whenever it begins or ends, since ends of sessions
    /// may have been missed. The order of the two steps keeps an entry from being served or inserted in between.
    pub fn set_live(&self, live: bool) {
        if live {
            self.sessions.invalidate_all();
            self.live.store(true, Ordering::SeqCst);
        } else if self.live.swap(false, Ordering::SeqCst) {
            self.sessions.invalidate_all();
        }
    }

    fn is_live(&self) -> bool {
        self.live.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;

    fn cache() -> SessionCache {
        let cache = SessionCache::new(Duration::from_secs(5));
        cache.set_live(true);
        cache
    }

    fn session() -> (DeviceSessionId, Session) {
        let key = SigningKey::from_bytes(&[1; 32]).verifying_key();
        let user = UserId::generate();
        (DeviceSessionId::generate(), Session { user, key })
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_is_cached_for_its_time() {
        let (cache, (id, session)) = (cache(), session());
        cache.insert(id, session, cache.lookup(id).1);
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(cache.lookup(id).0, Some(session));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(cache.lookup(id).0, None);
    }

    #[test]
    fn ending_a_session_or_its_user_removes_it_and_what_is_being_looked_up() {
        for by_user in [true, false] {
            let (cache, (id, session)) = (cache(), session());
            let (_, generation) = cache.lookup(id);
            cache.insert(id, session, generation);
            if by_user {
                cache.invalidate_user(session.user);
            } else {
                cache.invalidate_session(id);
            }
            assert_eq!(cache.lookup(id).0, None);
            assert!(!cache.is_current(id, generation));
            cache.insert(id, session, generation);
            assert_eq!(cache.lookup(id).0, None);
        }
    }

    #[test]
    fn nothing_is_kept_while_the_push_stream_is_down() {
        let (cache, (id, session)) = (cache(), session());
        let (_, while_live) = cache.lookup(id);
        cache.insert(id, session, while_live);
        cache.set_live(false);
        assert_eq!(cache.lookup(id).0, None);
        let (_, while_down) = cache.lookup(id);
        cache.insert(id, session, while_down);
        assert_eq!(cache.lookup(id).0, None);
        cache.set_live(true);
        for generation in [while_live, while_down] {
            cache.insert(id, session, generation);
            assert_eq!(cache.lookup(id).0, None, "it may have ended since");
        }
    }
}
