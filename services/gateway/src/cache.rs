//! Sessions that were looked up lately, kept only as long as it is certain to hear of their end.
//!
//! A lookup takes time in which the session may end. Therefore a lookup notes the epoch before it
//! asks; every invalidation, and every doubt, begins a new epoch; and what was asked in an earlier
//! epoch is not kept.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ed25519_dalek::VerifyingKey;
use galaxy_core::{DeviceSessionId, Timestamp, UserId};
use jiff::SignedDuration;

/// Sessions kept at most.
const CAPACITY: usize = 100_000;

/// A session as the back end told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Its user.
    pub user: UserId,
    /// Signs its requests.
    pub key: VerifyingKey,
}

/// Names the time between two invalidations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch(u64);

/// The cache.
#[derive(Debug)]
pub struct SessionCache {
    ttl: SignedDuration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    epoch: u64,
    /// Whether the push stream lives, so that ended sessions are heard of.
    live: bool,
    sessions: HashMap<DeviceSessionId, (Session, Timestamp)>,
}

impl SessionCache {
    /// An empty cache that keeps sessions for `ttl`; not live.
    pub fn new(ttl: SignedDuration) -> Self {
        Self {
            ttl,
            state: Mutex::default(),
        }
    }

    /// The session, if it is kept; and the epoch to give to [`SessionCache::keep`] otherwise.
    pub fn get(&self, id: DeviceSessionId, now: Timestamp) -> (Option<Session>, Epoch) {
        let state = self.lock();
        let kept = state
            .sessions
            .get(&id)
            .filter(|(_, until)| state.live && now < *until);
        (kept.map(|(session, _)| *session), Epoch(state.epoch))
    }

    /// Keeps a session that was looked up in `epoch`, unless something was invalidated since.
    /// Answers whether it is still that epoch: if not, the answer may be out of date.
    pub fn keep(
        &self,
        id: DeviceSessionId,
        session: Session,
        epoch: Epoch,
        now: Timestamp,
    ) -> bool {
        let mut state = self.lock();
        if state.epoch != epoch.0 {
            return false;
        }
        if state.live {
            if state.sessions.len() >= CAPACITY {
                state.sessions.retain(|_, (_, until)| now < *until);
            }
            let until = now.saturating_add(self.ttl);
            if state.sessions.len() < CAPACITY {
                state.sessions.insert(id, (session, until));
            }
        }
        true
    }

    /// Whether nothing was invalidated since `epoch` began.
    pub fn is_current(&self, epoch: Epoch) -> bool {
        self.lock().epoch == epoch.0
    }

    /// Forgets a session that ended.
    pub fn forget_session(&self, id: DeviceSessionId) {
        let mut state = self.lock();
        state.epoch += 1;
        state.sessions.remove(&id);
    }

    /// Forgets all sessions of a user.
    pub fn forget_user(&self, user: UserId) {
        let mut state = self.lock();
        state.epoch += 1;
        state
            .sessions
            .retain(|_, (session, _)| session.user != user);
    }

    /// Notes whether the push stream lives. At each beginning and end all is forgotten, since
    /// something may have been missed.
    pub fn set_live(&self, live: bool) {
        let mut state = self.lock();
        if !live && !state.live {
            return;
        }
        state.epoch += 1;
        state.live = live;
        state.sessions.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;

    fn cache() -> SessionCache {
        let cache = SessionCache::new(SignedDuration::from_secs(5));
        cache.set_live(true);
        cache
    }

    fn session() -> (DeviceSessionId, Session) {
        let key = SigningKey::from_bytes(&[1; 32]).verifying_key();
        let user = UserId::generate();
        (DeviceSessionId::generate(), Session { user, key })
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_session_is_kept_for_its_time() {
        let (cache, (id, session)) = (cache(), session());
        let (_, epoch) = cache.get(id, at(0));
        assert!(cache.keep(id, session, epoch, at(0)));
        assert_eq!(cache.get(id, at(4)).0, Some(session));
        assert_eq!(cache.get(id, at(5)).0, None);
    }

    #[test]
    fn a_session_that_ended_while_it_was_looked_up_is_not_kept() {
        let (cache, (id, session)) = (cache(), session());
        let (_, epoch) = cache.get(id, at(0));
        cache.forget_session(id);
        assert!(!cache.keep(id, session, epoch, at(0)));
        assert_eq!(cache.get(id, at(0)).0, None);
    }

    #[test]
    fn ending_a_session_or_its_user_forgets_it_at_once() {
        for by_user in [true, false] {
            let (cache, (id, session)) = (cache(), session());
            let (_, epoch) = cache.get(id, at(0));
            cache.keep(id, session, epoch, at(0));
            if by_user {
                cache.forget_user(session.user);
            } else {
                cache.forget_session(id);
            }
            assert_eq!(cache.get(id, at(0)).0, None);
            assert!(!cache.is_current(epoch));
        }
    }

    #[test]
    fn nothing_is_kept_while_the_push_stream_is_down() {
        let (cache, (id, session)) = (cache(), session());
        let (_, epoch) = cache.get(id, at(0));
        cache.keep(id, session, epoch, at(0));
        cache.set_live(false);
        assert_eq!(cache.get(id, at(0)).0, None);
        let (_, epoch) = cache.get(id, at(0));
        assert!(cache.keep(id, session, epoch, at(0)));
        assert_eq!(cache.get(id, at(0)).0, None);
        cache.set_live(true);
        assert_eq!(
            cache.get(id, at(0)).0,
            None,
            "what was kept before may have ended since"
        );
    }
}
