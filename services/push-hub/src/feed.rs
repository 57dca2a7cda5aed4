//! The one reader of the broker's push stream, and the ring that it fills for all connections.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use galaxy_core::{Clock, Timestamp};
use galaxy_events::push_stream::{PushMessage, PushReader, PushSignal};
use galaxy_proto::push::v1::{PushEvent, push_event::Event};
use galaxy_service::Latch;
use prost::Message;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::cursor::Cursor;
use crate::metrics::Metrics;
use crate::ring::{Entry, Kind, Limits, Ring};
use crate::status::timestamp;

/// How often old messages are let go while none arrives.
const SWEEP: Duration = Duration::from_secs(1);

/// The ring, shared. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Feed(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    ring: RwLock<Ring>,
    changes: watch::Sender<u64>,
    clock: Clock,
    metrics: Metrics,
}

impl Feed {
    /// A feed that nothing was read into yet.
    pub fn new(limits: Limits, clock: Clock, metrics: Metrics) -> Self {
        Self(Arc::new(Shared {
            ring: RwLock::new(Ring::new(limits)),
            changes: watch::Sender::new(0),
            clock,
            metrics,
        }))
    }

    /// Reads the stream into the ring until `draining`. `ready` holds while the broker can be read
    /// and all is read that the stream held when it was opened.
    pub async fn run(self, mut reader: PushReader, ready: Latch, draining: CancellationToken) {
        let reading = async {
            loop {
                self.apply(reader.next().await);
                if self.with(Ring::is_current) {
                    ready.hold();
                } else {
                    ready.fail("the push stream is not read to its end");
                }
            }
        };
        let sweeping = async {
            loop {
                tokio::time::sleep(SWEEP).await;
                self.sweep();
            }
        };
        tokio::select! {
            () = draining.cancelled() => {}
            () = reading => {}
            () = sweeping => {}
        }
    }

    /// Takes what the reader found.
    pub fn apply(&self, signal: PushSignal) {
        match signal {
            PushSignal::Opened {
                incarnation,
                first,
                last,
            } => {
                tracing::info!(incarnation, first, last, "the push stream is open");
                self.change(|ring| ring.open(incarnation, first, last));
            }
            PushSignal::Interrupted => self.change(|ring| ring.connected(false)),
            PushSignal::Continued => self.change(|ring| ring.connected(true)),
            PushSignal::Message(message) => {
                let incarnation = self.with(Ring::floor).incarnation;
                let entry = self.encode(message, incarnation);
                self.change(|ring| ring.push(entry));
            }
        }
    }

    /// Lets go of what is older than the window.
    pub fn sweep(&self) {
        let now = nanoseconds(self.0.clock.now());
        self.write(|ring| ring.evict(now));
    }

    /// Looks at the ring.
    pub fn with<T>(&self, look: impl FnOnce(&Ring) -> T) -> T {
        look(&self.0.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes whenever there is something new to look at.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut Ring)) {
        self.write(change);
        self.0.changes.send_modify(|count| *count += 1);
    }

    fn write(&self, change: impl FnOnce(&mut Ring)) {
        change(&mut self.0.ring.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Encodes a message once for all connections, with its cursor.
    fn encode(&self, message: PushMessage, incarnation: u64) -> Entry {
        let (sequence, mark) = (message.sequence, message.stored_ns);
        let cursor = Cursor {
            incarnation,
            sequence,
            mark,
        };
        let (kind, encoded) = match self.stamp(message, cursor) {
            Ok((kind, encoded)) => (kind, encoded),
            Err(why) => {
                tracing::error!(sequence, why, "a message of the push stream is passed over");
                (Kind::Unreadable, Bytes::new())
            }
        };
        Entry {
            sequence,
            mark,
            kind,
            encoded,
        }
    }

    fn stamp(&self, message: PushMessage, cursor: Cursor) -> Result<(Kind, Bytes), &'static str> {
        let mut event = PushEvent::decode(message.payload).map_err(|_| "it is no PushEvent")?;
        let (kind, name) = match event.event {
            Some(Event::ClientEvent(_)) => (Kind::Client, "client"),
            Some(Event::SessionInvalidation(_)) => (Kind::Invalidation, "invalidation"),
            Some(Event::Status(_)) | None => return Err("it holds no event"),
        };
        let now = self.0.clock.now();
        let committed = message.time.unwrap_or(now);
        let age = now.duration_since(committed).as_secs_f64();
        self.0.metrics.event(name, age.max(0.0));
        event.cursor = cursor.to_string();
        event.at = Some(timestamp(committed));
        if event.traceparent.is_empty() {
            event.traceparent = message.traceparent.unwrap_or_default();
        }
        Ok((kind, event.encode_to_vec().into()))
    }
}

fn nanoseconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or_default()
}
