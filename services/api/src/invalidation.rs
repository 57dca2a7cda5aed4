//! The invalidation channel: tells the caches of all replicas what changed, and knows whether it can be trusted.
//!
//! A cache is registered under a topic and says what it does with a message. It may serve only while the channel is
//! healthy: connected, and a probe that this replica sent to itself came back less than [`STALE_AFTER`] ago. Whenever the
//! channel becomes healthy again, all caches are cleared first, since messages may have been missed meanwhile.

use std::{
    pin::Pin,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt, future::BoxFuture};
use galaxy_events::{Event, Nats};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const PROBE_PERIOD: Duration = Duration::from_millis(100);
/// A probe that is under way for longer means that invalidations may be late as well.
const STALE_AFTER: Duration = Duration::from_millis(400);
/// How long an operation waits for its broadcast to leave before it answers.
const SEND_TIMEOUT: Duration = Duration::from_millis(200);
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// A cache that other replicas invalidate.
pub trait Invalidated: Send + Sync + 'static {
    /// Forgets what `message` names.
    fn forget(&self, message: &[u8]);

    /// Forgets everything.
    fn forget_all(&self);
}

/// The channel of one replica. Cheap to clone.
#[derive(Clone)]
pub struct Invalidation(Arc<Inner>);

struct Inner {
    /// Absent in tests without a broker: then the channel is never healthy.
    nats: Option<Nats>,
    health: Health,
    registered: RwLock<Registered>,
}

#[derive(Default)]
struct Registered {
    caches: Vec<(&'static str, Arc<dyn Invalidated>)>,
    subscriptions: Vec<Subscribe>,
}

/// Subscribes to messages and forgets what they name, whenever the stream is polled.
type Subscribe =
    Arc<dyn Fn(Nats) -> BoxFuture<'static, anyhow::Result<Invalidations>> + Send + Sync>;
type Invalidations = Pin<Box<dyn Stream<Item = ()> + Send>>;

impl Invalidation {
    /// A channel without caches, over `nats`.
    pub fn new(nats: Option<Nats>) -> Self {
        Self(Arc::new(Inner {
            nats,
            health: Health::new(),
            registered: RwLock::default(),
        }))
    }

    /// Lets messages of `topic` reach `cache`. Call it before [`Invalidation::run`].
    pub fn register(&self, topic: &'static str, cache: Arc<dyn Invalidated>) {
        let reached = cache.clone();
        self.subscribe(move |nats| {
            let cache = reached.clone();
            async move {
                let messages = nats.listen(topic).await?;
                Ok(messages.map(move |message| cache.forget(&message)).boxed())
            }
            .boxed()
        });
        self.registered(|registered| registered.caches.push((topic, cache)));
    }

    /// Also calls `forget` for each published domain event of a kind: its producer may be cut off from the broker, the
    /// outbox is not.
    pub fn register_event<E: Event>(&self, forget: impl Fn(&E) + Send + Sync + 'static) {
        let forget = Arc::new(forget);
        self.subscribe(move |nats| {
            let forget = forget.clone();
            async move {
                let events = nats.subscribe_events::<E>().await?;
                Ok(events.map(move |event| forget(&event)).boxed())
            }
            .boxed()
        });
    }

    fn subscribe<S>(&self, subscribe: S)
    where
        S: Fn(Nats) -> BoxFuture<'static, anyhow::Result<Invalidations>> + Send + Sync + 'static,
    {
        self.registered(|registered| registered.subscriptions.push(Arc::new(subscribe)));
    }

    fn registered(&self, change: impl FnOnce(&mut Registered)) {
        let registered = self.0.registered.write();
        change(&mut registered.unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether caches may serve now.
    pub fn is_healthy(&self) -> bool {
        self.0.health.is_healthy()
    }

    /// Lets the caches of `topic` forget what `message` names, here at once, and on the other replicas. Call it after the
    /// commit and before the answer.
    pub async fn send(&self, topic: &'static str, message: Bytes) {
        for (of, cache) in self.caches() {
            if of == topic {
                cache.forget(&message);
            }
        }
        let Some(nats) = &self.0.nats else { return };
        // A replica that is cut off finds its own channel unhealthy and bypasses its cache. If it is this one that is cut
        // off, the others get the event of a session, and soon compare credentials with the database.
        match tokio::time::timeout(SEND_TIMEOUT, nats.broadcast(topic, message)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, topic, "an invalidation could not be sent"),
            Err(_) => tracing::warn!(topic, "an invalidation could not be sent in time"),
        }
    }

    /// Receives and probes until the process drains.
    pub async fn run(self, draining: CancellationToken) {
        let Some(nats) = &self.0.nats else { return };
        while !draining.is_cancelled() {
            if let Err(error) = self.receive(nats, &draining).await {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the invalidation channel broke; caches are bypassed"
                );
            }
            self.0.health.distrust();
            tokio::select! {
                () = tokio::time::sleep(RETRY_DELAY) => {}
                () = draining.cancelled() => {}
            }
        }
    }

    async fn receive(&self, nats: &Nats, draining: &CancellationToken) -> anyhow::Result<()> {
        let probe_subject = format!("probe.{}", Uuid::now_v7());
        let mut invalidations = vec![];
        for subscribe in self.subscriptions() {
            invalidations.push(subscribe(nats.clone()).await?);
        }
        let mut probes = nats.listen(&probe_subject).await?;
        let mut connections = nats.connections();
        connections.mark_unchanged();
        let mut tick = tokio::time::interval(PROBE_PERIOD);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            // Invalidations before probes: a probe vouches for what came before it.
            tokio::select! {
                biased;
                () = draining.cancelled() => return Ok(()),
                changed = connections.changed() => {
                    changed?;
                    self.0.health.distrust();
                    self.forget_all();
                }
                message = next(&mut invalidations) => message.ok_or_else(ended)?,
                probe = probes.next() => self.returned(&probe.ok_or_else(ended)?),
                _ = tick.tick() => self.probe(nats, &probe_subject).await,
            }
        }
    }

    async fn probe(&self, nats: &Nats, subject: &str) {
        let health = &self.0.health;
        if health.has_become_late() {
            tracing::warn!("invalidations are late; caches are bypassed");
        }
        if !nats.is_connected() {
            health.distrust();
            return;
        }
        let sent = health.millis().to_be_bytes().to_vec();
        tokio::time::timeout(PROBE_PERIOD, nats.broadcast(subject, sent.into()))
            .await
            .ok();
    }

    fn returned(&self, probe: &Bytes) {
        let Ok(sent) = <[u8; 8]>::try_from(&probe[..]).map(u64::from_be_bytes) else {
            return;
        };
        if !self.is_healthy() {
            self.forget_all();
        }
        self.0.health.vouch(sent);
    }

    fn forget_all(&self) {
        for (_, cache) in self.caches() {
            cache.forget_all();
        }
    }

    fn caches(&self) -> Vec<(&'static str, Arc<dyn Invalidated>)> {
        let registered = self.0.registered.read();
        let registered = registered.unwrap_or_else(PoisonError::into_inner);
        registered.caches.clone()
    }

    fn subscriptions(&self) -> Vec<Subscribe> {
        let registered = self.0.registered.read();
        let registered = registered.unwrap_or_else(PoisonError::into_inner);
        registered.subscriptions.clone()
    }
}

/// The next message of the first stream that has one; `None` once one of them ended.
async fn next(streams: &mut [Invalidations]) -> Option<()> {
    std::future::poll_fn(|context| {
        for stream in &mut *streams {
            if let Poll::Ready(message) = stream.as_mut().poll_next(context) {
                return Poll::Ready(message);
            }
        }
        Poll::Pending
    })
    .await
}

fn ended() -> anyhow::Error {
    anyhow::anyhow!("a subscription ended")
}

/// Whether invalidations arrive in time.
struct Health {
    started: Instant,
    /// Until when, in milliseconds after `started`, the last probe vouches for the channel; 0: not at all.
    vouched_until: AtomicU64,
    was_healthy: AtomicBool,
}

impl Health {
    fn new() -> Self {
        Self {
            started: Instant::now(),
            vouched_until: AtomicU64::new(0),
            was_healthy: AtomicBool::new(false),
        }
    }

    fn is_healthy(&self) -> bool {
        self.millis() < self.vouched_until.load(Ordering::Acquire)
    }

    /// Whether it was healthy when this was asked last, and is not any more.
    fn has_become_late(&self) -> bool {
        let healthy = self.is_healthy();
        self.was_healthy.swap(healthy, Ordering::Relaxed) && !healthy
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// A probe sent at `sent` (milliseconds) came back.
    fn vouch(&self, sent: u64) {
        let until = sent + u64::try_from(STALE_AFTER.as_millis()).unwrap_or(u64::MAX);
        self.vouched_until.fetch_max(until, Ordering::AcqRel);
    }

    fn distrust(&self) {
        self.vouched_until.store(0, Ordering::Release);
    }
}
