//! Who is here: the requests in flight and event streams of each session, so that a session's end reaches them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use galaxy_core::{DeviceSessionId, UserId};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::refusal::Refusal;

/// Event streams of one session at once; a further one takes the place of the oldest.
const STREAMS_PER_SESSION: usize = 4;

/// What a stream is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Unique for each event.
    pub event_id: String,
    /// What happened.
    pub kind: String,
    /// Media type of the payload.
    pub content_type: String,
    /// The details.
    pub payload: bytes::Bytes,
}

/// All sessions that have something open at this gateway. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Presence(Arc<Mutex<Sessions>>);

#[derive(Debug, Default)]
struct Sessions {
    count: u64,
    by_id: HashMap<DeviceSessionId, Here>,
    by_user: HashMap<UserId, Vec<DeviceSessionId>>,
}

#[derive(Debug)]
struct Here {
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
    presence: Presence,
    session: DeviceSessionId,
    revoked: CancellationToken,
}

/// The reading end of an event stream.
#[derive(Debug)]
pub struct Subscription {
    presence: Presence,
    session: DeviceSessionId,
    number: u64,
    /// What to send.
    pub events: mpsc::Receiver<Arc<Delivery>>,
    /// Why to end, once that is so.
    pub end: watch::Receiver<Option<Refusal>>,
}

impl Presence {
    /// Notes a request in flight. The caller then makes sure that the session did not end just before.
    pub fn request(&self, session: DeviceSessionId, user: UserId) -> InFlight {
        let mut sessions = self.lock();
        let here = sessions.enter(session, user);
        here.requests += 1;
        InFlight {
            revoked: here.revoked.clone(),
            session,
            presence: self.clone(),
        }
    }

    /// Notes an event stream for which `queue` events may wait. The caller then makes sure that the
    /// session did not end just before.
    pub fn subscribe(&self, session: DeviceSessionId, user: UserId, queue: usize) -> Subscription {
        let (sender, events) = mpsc::channel(queue.max(1));
        let (end_sender, end) = watch::channel(None);
        let mut sessions = self.lock();
        sessions.count += 1;
        let number = sessions.count;
        let here = sessions.enter(session, user);
        if here.streams.len() >= STREAMS_PER_SESSION {
            let oldest = here.streams.remove(0);
            oldest.end.send_replace(Some(Refusal::StreamReplaced));
        }
        here.streams.push(Stream {
            number,
            events: sender,
            end: end_sender,
        });
        Subscription {
            presence: self.clone(),
            session,
            number,
            events,
            end,
        }
    }

    /// Gives an event to the streams of a user, or of one session of the user's. A stream with no
    /// room is ended; the others do not wait for it.
    pub fn deliver(
        &self,
        user: UserId,
        only: Option<DeviceSessionId>,
        event: &Arc<Delivery>,
    ) -> Counts {
        let mut sessions = self.lock();
        let ids = sessions.by_user.get(&user).cloned().unwrap_or_default();
        let wanted = |id: &DeviceSessionId| only.is_none_or(|only| only == *id);
        let mut counts = Counts::default();
        for id in ids.into_iter().filter(wanted) {
            if let Some(here) = sessions.by_id.get_mut(&id) {
                counts.add(here.deliver(event));
            }
        }
        counts
    }

    /// Gives an event to all streams.
    pub fn deliver_to_all(&self, event: &Arc<Delivery>) -> Counts {
        let mut counts = Counts::default();
        for here in self.lock().by_id.values_mut() {
            counts.add(here.deliver(event));
        }
        counts
    }

    /// Ends everything of a session.
    pub fn revoke_session(&self, session: DeviceSessionId) {
        if let Some(here) = self.lock().by_id.get_mut(&session) {
            here.revoke();
        }
    }

    /// Ends everything of all sessions of a user.
    pub fn revoke_user(&self, user: UserId) {
        let mut sessions = self.lock();
        for session in sessions.by_user.get(&user).cloned().unwrap_or_default() {
            if let Some(here) = sessions.by_id.get_mut(&session) {
                here.revoke();
            }
        }
    }

    /// The sessions that have an event stream here.
    pub fn streaming(&self) -> Vec<DeviceSessionId> {
        let sessions = self.lock();
        let streaming = sessions
            .by_id
            .iter()
            .filter(|(_, here)| !here.streams.is_empty());
        streaming.map(|(id, _)| *id).collect()
    }

    fn leave(&self, session: DeviceSessionId, leave: impl FnOnce(&mut Here)) {
        let mut sessions = self.lock();
        let Some(here) = sessions.by_id.get_mut(&session) else {
            return;
        };
        leave(here);
        if here.requests > 0 || !here.streams.is_empty() {
            return;
        }
        let user = here.user;
        sessions.by_id.remove(&session);
        if let Some(ids) = sessions.by_user.get_mut(&user) {
            ids.retain(|id| *id != session);
            if ids.is_empty() {
                sessions.by_user.remove(&user);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Streams that it was given to.
    pub delivered: u64,
    /// Streams that were ended since they had no room.
    pub slow: u64,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.slow += other.slow;
    }
}

impl Sessions {
    fn enter(&mut self, session: DeviceSessionId, user: UserId) -> &mut Here {
        self.by_id.entry(session).or_insert_with(|| {
            self.by_user.entry(user).or_default().push(session);
            Here {
                user,
                revoked: CancellationToken::new(),
                requests: 0,
                streams: Vec::new(),
            }
        })
    }
}

impl Here {
    fn deliver(&mut self, event: &Arc<Delivery>) -> Counts {
        let mut counts = Counts::default();
        self.streams.retain(|stream| {
            let taken = stream.events.try_send(event.clone()).is_ok();
            if taken {
                counts.delivered += 1;
            } else {
                counts.slow += 1;
                stream.end.send_replace(Some(Refusal::SlowConsumer));
            }
            taken
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
        self.presence.leave(self.session, |here| {
            here.requests = here.requests.saturating_sub(1);
        });
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let number = self.number;
        self.presence.leave(self.session, |here| {
            here.streams.retain(|stream| stream.number != number);
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
        let presence = Presence::default();
        let ((phone, user), (tablet, _), (other, stranger)) = (ids(), ids(), ids());
        let mut on_phone = presence.subscribe(phone, user, 4);
        let mut on_tablet = presence.subscribe(tablet, user, 4);
        let mut elsewhere = presence.subscribe(other, stranger, 4);
        assert_eq!(presence.deliver(user, None, &event("all")).delivered, 2);
        assert_eq!(
            presence
                .deliver(user, Some(phone), &event("phone"))
                .delivered,
            1
        );
        assert_eq!(
            presence
                .deliver(stranger, Some(phone), &event("crossed"))
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
        let presence = Presence::default();
        let (session, user) = ids();
        let slow = presence.subscribe(session, user, 1);
        let fast = presence.subscribe(session, user, 10);
        assert_eq!(
            presence.deliver(user, None, &event("1")),
            Counts {
                delivered: 2,
                slow: 0
            }
        );
        assert_eq!(
            presence.deliver(user, None, &event("2")),
            Counts {
                delivered: 1,
                slow: 1
            }
        );
        assert_eq!(
            presence.deliver(user, None, &event("3")),
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
        let presence = Presence::default();
        let ((session, user), (other, _)) = (ids(), ids());
        let request = presence.request(session, user);
        let stream = presence.subscribe(session, user, 1);
        let other = presence.request(other, user);
        presence.revoke_session(session);
        assert!(request.revoked().is_cancelled());
        assert_eq!(*stream.end.borrow(), Some(Refusal::SessionRevoked));
        assert!(!other.revoked().is_cancelled());
        presence.revoke_user(user);
        assert!(other.revoked().is_cancelled());
    }

    #[test]
    fn a_session_that_opens_too_many_streams_loses_its_oldest() {
        let presence = Presence::default();
        let (session, user) = ids();
        let streams: Vec<_> = (0..=STREAMS_PER_SESSION)
            .map(|_| presence.subscribe(session, user, 1))
            .collect();
        assert_eq!(*streams[0].end.borrow(), Some(Refusal::StreamReplaced));
        assert!(
            streams[1..]
                .iter()
                .all(|stream| stream.end.borrow().is_none())
        );
    }

    #[test]
    fn nothing_is_left_of_a_session_that_went() {
        let presence = Presence::default();
        let (session, user) = ids();
        let (request, stream) = (
            presence.request(session, user),
            presence.subscribe(session, user, 1),
        );
        assert_eq!(presence.streaming(), [session]);
        drop((request, stream));
        let sessions = presence.lock();
        assert!(sessions.by_id.is_empty() && sessions.by_user.is_empty());
    }
}
