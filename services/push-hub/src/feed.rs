//! The one reader of the broker's push stream, and the ring that it fills for all connections.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use galaxy_core::{Clock, Timestamp};
use galaxy_events::{
    Nats, StreamIdentity, StreamPosition,
    push_stream::{PushMessage, PushReader, PushSignal},
};
use galaxy_proto::push::v1::{PushEvent, push_event::Event};
use galaxy_service::{Latch, Process};
use parking_lot::RwLock;
use prost::Message;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    cursor::Cursor,
    metrics::Metrics,
    ring::{Entry, Kind, Limits, Ring},
    status::timestamp,
};

/// How often messages older than the window are evicted.
const EVICTION_INTERVAL: Duration = Duration::from_secs(1);

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
    /// A feed with an empty ring.
    pub fn new(limits: Limits, clock: Clock, metrics: Metrics) -> Self {
        Self(Arc::new(Shared {
            ring: RwLock::new(Ring::new(limits)),
            changes: watch::Sender::new(0),
            clock,
            metrics,
        }))
    }

    /// Starts reading the stream into the ring, and evicting what is older than the window.
    pub fn start(&self, process: &Process, nats: &Nats) {
        let ready = process.readiness.latch("push_stream");
        let (feed, client) = (self.clone(), nats.client().clone());
        let draining = process.tasks.draining();
        process.tasks.supervise("feed", move || {
            let reader = PushReader::new(client.clone());
            feed.clone().read(reader, ready.clone(), draining.clone())
        });
        let feed = self.clone();
        process
            .tasks
            .every("push_window", EVICTION_INTERVAL, move || {
                feed.evict();
                std::future::ready(())
            });
    }

    /// Reads until `draining`. `ready` holds while the broker can be read and everything is read that
    /// the stream held when it was opened.
    async fn read(self, mut reader: PushReader, ready: Latch, draining: CancellationToken) {
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
        let _: Option<()> = draining.run_until_cancelled(Box::pin(reading)).await;
    }

    /// Applies what the reader found to the ring, and wakes the connections.
    pub fn apply(&self, signal: PushSignal) {
        match signal {
            PushSignal::Opened {
                stream,
                first,
                last,
            } => {
                tracing::info!(%stream, first, last, "the push stream is open");
                self.change(|ring| ring.open(stream, first, last));
            }
            PushSignal::Interrupted => self.change(|ring| ring.set_connected(false)),
            PushSignal::Continued => self.change(|ring| ring.set_connected(true)),
            PushSignal::Message(message) => {
                let stream = self.with(Ring::floor).position.stream;
                let entry = self.encode(message, stream);
                self.change(|ring| ring.push(entry));
            }
        }
    }

    /// Evicts what is older than the window.
    fn evict(&self) {
        let now = nanoseconds(self.0.clock.now());
        self.0.ring.write().evict(now);
    }

    /// Reads the ring under its lock.
    pub fn with<T>(&self, read: impl FnOnce(&Ring) -> T) -> T {
        read(&self.0.ring.read())
    }

    /// Changes whenever the ring has changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut Ring)) {
        change(&mut self.0.ring.write());
        self.0.changes.send_modify(|count| *count += 1);
    }

    /// Encodes a message once for all connections, with its cursor.
    fn encode(&self, message: PushMessage, stream: StreamIdentity) -> Entry {
        let (sequence, mark) = (message.sequence, message.stored_ns);
        let cursor = Cursor {
            position: StreamPosition { stream, sequence },
            mark,
        };
        let (kind, encoded) = match self.stamp(message, cursor) {
            Ok((kind, encoded)) => (kind, encoded),
            Err(why) => {
                tracing::error!(
                    sequence,
                    why,
                    "a message of the push stream cannot be read; skipping it"
                );
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
        let mut event = PushEvent::decode(message.payload).map_err(|_| "it is not a PushEvent")?;
        let (kind, name) = match event.event {
            Some(Event::ClientEvent(_)) => (Kind::Client, "client"),
            Some(Event::SessionInvalidation(_)) => (Kind::Invalidation, "invalidation"),
            Some(Event::Status(_)) | None => return Err("it has no event"),
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
