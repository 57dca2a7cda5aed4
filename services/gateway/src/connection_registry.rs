//! The requests in flight and the event streams of each session, so that events reach the streams and the end of a
//! session reaches both.

use std::{collections::HashMap, sync::Arc};

use galaxy_core::{DeviceSessionId, UserId};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::refusal::Refusal;

/// Event streams of one session at once; a further one replaces the oldest.
const STREAMS_PER_SESSION: usize = 4;

/// An event on its way to streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub event_id: String,
    pub kind: String,
    pub content_type: String,
    pub payload: bytes::Bytes,
}

/// All sessions that have a request or a stream at this gateway. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct ConnectionRegistry(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    streams_opened: u64,
    by_session: HashMap<DeviceSessionId, SessionEntry>,
    by_user: HashMap<UserId, Vec<DeviceSessionId>>,
}

#[derive(Debug)]
struct SessionEntry {
    user: UserId,
    revoked: CancellationToken,
    requests: usize,
    streams: Vec<Stream>,
}

#[derive(Debug)]
struct Stream {
    number: u64,
    events: mpsc::Sender<Arc<Delivery>>,
    end: watch::Sender<Option<Refusal>>,
}

/// A request in flight.
#[derive(Debug)]
pub struct InFlight {
    registry: ConnectionRegistry,
    session: DeviceSessionId,
    revoked: CancellationToken,
}

/// The reading end of an event stream.
#[derive(Debug)]
pub struct Subscription {
    registry: ConnectionRegistry,
    session: DeviceSessionId,
    number: u64,
    pub events: mpsc::Receiver<Arc<Delivery>>,
    /// The reason to end the stream, once there is one.
    pub end: watch::Receiver<Option<Refusal>>,
}

impl ConnectionRegistry {
    /// Registers a request in flight. The caller then checks that the session did not end just before.
    pub fn request(&self, session: DeviceSessionId, user: UserId) -> InFlight {
        let mut entries = self.lock();
        let entry = entries.entry(session, user);
        entry.requests += 1;
        InFlight {
            revoked: entry.revoked.clone(),
            session,
            registry: self.clone(),
        }
    }

    /// Registers an event stream with a queue of `queue` events. The caller then checks that the session did not end just
    /// before.
    pub fn subscribe(&self, session: DeviceSessionId, user: UserId, queue: usize) -> Subscription {
        let (sender, events) = mpsc::channel(queue.max(1));
        let (end_sender, end) = watch::channel(None);
        let mut entries = self.lock();
        entries.streams_opened += 1;
        let number = entries.streams_opened;
        let entry = entries.entry(session, user);
        if entry.streams.len() >= STREAMS_PER_SESSION {
            let oldest = entry.streams.remove(0);
            oldest.end.send_replace(Some(Refusal::StreamReplaced));
        }
        entry.streams.push(Stream {
            number,
            events: sender,
            end: end_sender,
        });
        Subscription {
            registry: self.clone(),
            session,
            number,
            events,
            end,
        }
    }

    /// Queues an event for the streams of a user, or of one of the user's sessions. A stream whose queue is full is ended;
    /// the others do not wait for it.
    pub fn deliver(
        &self,
        user: UserId,
        only: Option<DeviceSessionId>,
        event: &Arc<Delivery>,
    ) -> Counts {
        let mut entries = self.lock();
        let ids = entries.by_user.get(&user).cloned().unwrap_or_default();
        let wanted = |id: &DeviceSessionId| only.is_none_or(|only| only == *id);
        let mut counts = Counts::default();
        for id in ids.into_iter().filter(wanted) {
            if let Some(entry) = entries.by_session.get_mut(&id) {
                counts.add(entry.deliver(event));
            }
        }
        counts
    }

    /// Queues an event for all streams.
    pub fn deliver_to_all(&self, event: &Arc<Delivery>) -> Counts {
        let mut counts = Counts::default();
        for entry in self.lock().by_session.values_mut() {
            counts.add(entry.deliver(event));
        }
        counts
    }

    /// Ends the requests and streams of a session.
    pub fn revoke_session(&self, session: DeviceSessionId) {
        if let Some(entry) = self.lock().by_session.get_mut(&session) {
            entry.revoke();
        }
    }

    /// Ends the requests and streams of all sessions of a user.
    pub fn revoke_user(&self, user: UserId) {
        let mut entries = self.lock();
        for session in entries.by_user.get(&user).cloned().unwrap_or_default() {
            if let Some(entry) = entries.by_session.get_mut(&session) {
                entry.revoke();
            }
        }
    }

    /// The sessions that have an event stream.
    pub fn streaming_sessions(&self) -> Vec<DeviceSessionId> {
        let entries = self.lock();
        let streaming = entries
            .by_session
            .iter()
            .filter(|(_, entry)| !entry.streams.is_empty());
        streaming.map(|(id, _)| *id).collect()
    }

    /// Changes the entry of a session, and removes it if nothing is left in it.
    fn release(&self, session: DeviceSessionId, change: impl FnOnce(&mut SessionEntry)) {
        let mut entries = self.lock();
        let Some(entry) = entries.by_session.get_mut(&session) else {
            return;
        };
        change(entry);
        if entry.requests > 0 || !entry.streams.is_empty() {
            return;
        }
        let user = entry.user;
        entries.by_session.remove(&session);
        if let Some(ids) = entries.by_user.get_mut(&user) {
            ids.retain(|id| *id != session);
            if ids.is_empty() {
                entries.by_user.remove(&user);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock()
    }
}

/// The outcome of an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Streams that it was queued for.
    pub delivered: u64,
    /// Streams that were ended because their queue was full.
    pub slow: u64,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.slow += other.slow;
    }
}

impl Entries {
    fn entry(&mut self, session: DeviceSessionId, user: UserId) -> &mut SessionEntry {
        self.by_session.entry(session).or_insert_with(|| {
            self.by_user.entry(user).or_default().push(session);
            SessionEntry {
                user,
                revoked: CancellationToken::new(),
                requests: 0,
                streams: Vec::new(),
            }
        })
    }
}

impl SessionEntry {
    fn deliver(&mut self, event: &Arc<Delivery>) -> Counts {
        let mut counts = Counts::default();
        self.streams.retain(|stream| {
            let queued = stream.events.try_send(event.clone()).is_ok();
            if queued {
                counts.delivered += 1;
            } else {
                counts.slow += 1;
                stream.end.send_replace(Some(Refusal::SlowConsumer));
            }
            queued
        });
        counts
    }

    fn revoke(&mut self) {
        self.revoked.cancel();
        for stream in self.streams.drain(..) {
            stream.end.send_replace(Some(Refusal::SessionRevoked));
        }
    }
}

impl InFlight {
    /// Cancelled when the session ends.
    pub fn revoked(&self) -> &CancellationToken {
        &self.revoked
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.registry.release(self.session, |entry| {
            entry.requests = entry.requests.saturating_sub(1);
        });
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let number = self.number;
        self.registry.release(self.session, |entry| {
            entry.streams.retain(|stream| stream.number != number);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str) -> Arc<Delivery> {
        Arc::new(Delivery {
            event_id: "e".into(),
            kind: kind.into(),
            content_type: "application/json".into(),
            payload: "{}".into(),
        })
    }

    fn ids() -> (DeviceSessionId, UserId) {
        (DeviceSessionId::generate(), UserId::generate())
    }

    #[test]
    fn an_event_reaches_the_streams_of_its_user_or_of_its_session_only() {
        let registry = ConnectionRegistry::default();
        let ((phone, user), (tablet, _), (other, other_user)) = (ids(), ids(), ids());
        let mut on_phone = registry.subscribe(phone, user, 4);
        let mut on_tablet = registry.subscribe(tablet, user, 4);
        let mut elsewhere = registry.subscribe(other, other_user, 4);
        assert_eq!(registry.deliver(user, None, &event("all")).delivered, 2);
        assert_eq!(
            registry
                .deliver(user, Some(phone), &event("phone"))
                .delivered,
            1
        );
        assert_eq!(
            registry
                .deliver(other_user, Some(phone), &event("crossed"))
                .delivered,
            0
        );
        assert_eq!(on_phone.events.try_recv().unwrap().kind, "all");
        assert_eq!(on_phone.events.try_recv().unwrap().kind, "phone");
        assert_eq!(on_tablet.events.try_recv().unwrap().kind, "all");
        assert!(on_tablet.events.try_recv().is_err());
        assert!(elsewhere.events.try_recv().is_err());
    }

    #[test]
    fn a_slow_stream_is_ended_alone() {
        let registry = ConnectionRegistry::default();
        let (session, user) = ids();
        let slow = registry.subscribe(session, user, 1);
        let fast = registry.subscribe(session, user, 10);
        assert_eq!(
            registry.deliver(user, None, &event("1")),
            Counts {
                delivered: 2,
                slow: 0
            }
        );
        assert_eq!(
            registry.deliver(user, None, &event("2")),
            Counts {
                delivered: 1,
                slow: 1
            }
        );
        assert_eq!(
            registry.deliver(user, None, &event("3")),
            Counts {
                delivered: 1,
                slow: 0
            }
        );
        assert_eq!(*slow.end.borrow(), Some(Refusal::SlowConsumer));
        assert_eq!(*fast.end.borrow(), None);
    }

    #[test]
    fn the_end_of_a_session_reaches_its_requests_and_streams_and_no_others() {
        let registry = ConnectionRegistry::default();
        let ((session, user), (other, _)) = (ids(), ids());
        let request = registry.request(session, user);
        let stream = registry.subscribe(session, user, 1);
        let other = registry.request(other, user);
        registry.revoke_session(session);
        assert!(request.revoked().is_cancelled());
        assert_eq!(*stream.end.borrow(), Some(Refusal::SessionRevoked));
        assert!(!other.revoked().is_cancelled());
        registry.revoke_user(user);
        assert!(other.revoked().is_cancelled());
    }

    #[test]
    fn a_session_that_opens_too_many_streams_loses_its_oldest() {
        let registry = ConnectionRegistry::default();
        let (session, user) = ids();
        let streams: Vec<_> = (0..=STREAMS_PER_SESSION)
            .map(|_| registry.subscribe(session, user, 1))
            .collect();
        assert_eq!(*streams[0].end.borrow(), Some(Refusal::StreamReplaced));
        assert!(
            streams[1..]
                .iter()
                .all(|stream| stream.end.borrow().is_none())
        );
    }

    #[test]
    fn a_session_without_requests_and_streams_has_no_entry() {
        let registry = ConnectionRegistry::default();
        let (session, user) = ids();
        let (request, stream) = (
            registry.request(session, user),
            registry.subscribe(session, user, 1),
        );
        assert_eq!(registry.streaming_sessions(), [session]);
        drop((request, stream));
        let entries = registry.lock();
        assert!(entries.by_session.is_empty() && entries.by_user.is_empty());
    }
}
