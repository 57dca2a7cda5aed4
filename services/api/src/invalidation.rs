//! The invalidation channel: tells the caches of all replicas what changed, and knows whether it can be trusted.
//!
//! A cache may serve only while the channel is healthy: connected, and a probe that this replica sent to itself came back
//! less than [`STALE_AFTER`] ago. Whenever it becomes healthy again, everything is forgotten first, since messages may
//! have been missed meanwhile.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt;
use galaxy_core::DeviceSessionId;
use galaxy_events::{Nats, catalogue::session::SessionRevoked};
use tokio::time::Instant;
use uuid::Uuid;

use crate::App;

/// What ended sessions are told on.
const SESSIONS: &str = "sessions";
/// What changed admin accounts are told on.
const ADMINS: &str = "admins";
const PROBE_EVERY: Duration = Duration::from_millis(100);
/// A probe that is out for longer means that invalidations may be late as well.
const STALE_AFTER: Duration = Duration::from_millis(400);
/// How long an operation waits for its broadcast to leave before it answers.
const SEND_TIMEOUT: Duration = Duration::from_millis(200);
/// Sessions named in one message; 16 bytes each.
const IDS_PER_MESSAGE: usize = 1_000;

/// Whether invalidations arrive in time.
#[derive(Debug)]
pub struct Channel {
    started: Instant,
    /// Until when, in milliseconds after `started`, the last probe vouches for the channel; 0: not at all.
    vouched_until: AtomicU64,
    was_healthy: AtomicBool,
}

impl Default for Channel {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            vouched_until: AtomicU64::new(0),
            was_healthy: AtomicBool::new(false),
        }
    }
}

impl Channel {
    /// Whether caches may serve now.
    pub fn is_healthy(&self) -> bool {
        self.millis() < self.vouched_until.load(Ordering::Acquire)
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

/// Forgets ended sessions here at once, and tells the other replicas. Call it after the commit and before the answer.
pub async fn forget_sessions(app: &App, ids: &[DeviceSessionId]) {
    for id in ids {
        app.sessions.forget(*id);
    }
    for part in ids.chunks(IDS_PER_MESSAGE) {
        let payload: Vec<u8> = part.iter().flat_map(|id| id.uuid().into_bytes()).collect();
        broadcast(app, SESSIONS, payload.into()).await;
    }
}

/// Forgets verified admin credentials here at once, and tells the other replicas.
pub async fn forget_credentials(app: &App) {
    app.credentials.forget();
    broadcast(app, ADMINS, Bytes::new()).await;
}

async fn broadcast(app: &App, what: &str, payload: Bytes) {
    let Some(nats) = &app.nats else { return };
    // A replica that is cut off finds its own channel unhealthy and bypasses its cache. If it is this one that is cut off,
    // the others hear of a session by its event, and look anew at credentials soon.
    match tokio::time::timeout(SEND_TIMEOUT, nats.broadcast(what, payload)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, what, "an invalidation could not be sent"),
        Err(_) => tracing::warn!(what, "an invalidation could not be sent in time"),
    }
}

/// Listens and probes until the process drains.
pub async fn run(app: App, nats: Nats) {
    let draining = app.process.tasks.draining();
    while !draining.is_cancelled() {
        if let Err(error) = listen(&app, &nats).await {
            tracing::warn!(
                error = format!("{error:#}"),
                "the invalidation channel broke; caches are bypassed"
            );
        }
        app.channel.distrust();
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
            () = draining.cancelled() => {}
        }
    }
}

async fn listen(app: &App, nats: &Nats) -> anyhow::Result<()> {
    let probe_subject = format!("probe.{}", Uuid::now_v7());
    let mut sessions = nats.listen(SESSIONS).await?;
    let mut revoked = nats.overhear::<SessionRevoked>().await?;
    let mut admins = nats.listen(ADMINS).await?;
    let mut probes = nats.listen(&probe_subject).await?;
    let mut connections = nats.connections();
    connections.mark_unchanged();
    let draining = app.process.tasks.draining();
    let mut tick = tokio::time::interval(PROBE_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        // Invalidations before probes: a probe vouches for what came before it.
        tokio::select! {
            biased;
            () = draining.cancelled() => return Ok(()),
            changed = connections.changed() => {
                changed?;
                app.channel.distrust();
                forget_all(app);
            }
            message = sessions.next() => forget_named(app, &message.ok_or_else(ended)?),
            event = revoked.next() => {
                app.sessions.forget(event.ok_or_else(ended)?.device_session_id);
            }
            message = admins.next() => {
                message.ok_or_else(ended)?;
                app.credentials.forget();
            }
            probe = probes.next() => returned(app, &probe.ok_or_else(ended)?),
            _ = tick.tick() => probe(app, nats, &probe_subject).await,
        }
    }
}

fn ended() -> anyhow::Error {
    anyhow::anyhow!("a subscription ended")
}

async fn probe(app: &App, nats: &Nats, subject: &str) {
    if app
        .channel
        .was_healthy
        .swap(app.channel.is_healthy(), Ordering::Relaxed)
        && !app.channel.is_healthy()
    {
        tracing::warn!("invalidations are late; caches are bypassed");
    }
    if !nats.is_connected() {
        app.channel.distrust();
        return;
    }
    let sent = app.channel.millis().to_be_bytes().to_vec();
    tokio::time::timeout(PROBE_EVERY, nats.broadcast(subject, sent.into()))
        .await
        .ok();
}

fn returned(app: &App, probe: &Bytes) {
    let Ok(sent) = <[u8; 8]>::try_from(&probe[..]).map(u64::from_be_bytes) else {
        return;
    };
    if !app.channel.is_healthy() {
        forget_all(app);
    }
    app.channel.vouch(sent);
}

fn forget_named(app: &App, message: &Bytes) {
    for id in message.chunks_exact(16) {
        if let Ok(id) = Uuid::from_slice(id) {
            app.sessions.forget(id.into());
        }
    }
}

fn forget_all(app: &App) {
    app.sessions.forget_all();
    app.credentials.forget();
}
