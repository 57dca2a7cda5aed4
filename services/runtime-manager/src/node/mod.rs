//! The node that engines run on: its heartbeat, and what the one manager that watches it does under its lease.
//!
//! [`watch`] probes its engines, [`reconcile`] compares them with the records by the rules of [`plan`]. Several managers may
//! serve a node; another one takes the watch over when the lease runs out. Any manager tries images ([`image_check`]).

pub mod answers;
mod compare;
pub mod image_check;
pub mod plan;
pub mod reconcile;
pub mod watch;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use galaxy_core::LeaseToken;
use galaxy_drivers::{Driver as _, DriverEvent};
use galaxy_runtime::{nodes, outcome};
use galaxy_service::Process;
use galaxy_store::Result;
use jiff::SignedDuration;
use tokio::sync::Notify;

use crate::{Manager, config::NodeConfig};

/// How often a manager says that it is alive, and renews its watch.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How often lost nodes are looked for.
const LOST_INTERVAL: Duration = Duration::from_secs(10);
/// How long the watch lasts without renewal.
const WATCH: SignedDuration = SignedDuration::from_secs(6);

/// Whether this process watches the node, and what wakes its comparison. Cheap to clone.
#[derive(Clone, Default)]
pub struct Watch {
    held: Arc<AtomicBool>,
    changed: Arc<Notify>,
}

impl Watch {
    /// Whether this process watches the node.
    pub fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }

    /// Notified when an engine may have come or gone.
    pub fn changed(&self) -> Arc<Notify> {
        self.changed.clone()
    }

    fn set(&self, held: bool) {
        if self.held.swap(held, Ordering::AcqRel) != held {
            tracing::info!(held, "the watch over the node changed hands");
        }
    }
}

/// Writes the node down, so that records can name it.
pub async fn register(manager: &Manager) -> Result<()> {
    let mut connection = manager.db.acquire().await?;
    nodes::beat(&mut connection, &manager.node, manager.clock.now()).await?;
    Ok(())
}

/// Starts the heartbeat, the probes, the comparison and the driver's events of a registered node; they end when the process
/// drains.
pub fn start(process: &Process, manager: &Manager, config: &NodeConfig) {
    let watch = Watch::default();
    beat(process, manager, &watch);
    mark_lost(process, manager, &watch, config.timeout);
    listen(process, manager, &watch);
    reconcile::start(process, manager, &watch, config);
    watch::start(process, manager, &watch, config);
}

/// Says that this manager is alive and renews the watch; gives it up when the process drains.
fn beat(process: &Process, manager: &Manager, watch: &Watch) {
    let token = LeaseToken::generate();
    let (beating, held) = (manager.clone(), watch.clone());
    process.tasks.every("heartbeat", HEARTBEAT, move || {
        let (manager, watch) = (beating.clone(), held.clone());
        async move {
            // Longer than a beat without an answer: another process may have the watch by now.
            let beaten = tokio::time::timeout(HEARTBEAT, beat_once(&manager, token)).await;
            match beaten {
                Ok(Ok(held)) => watch.set(held),
                Ok(Err(error)) => {
                    watch.set(false);
                    tracing::warn!(%error, "the node's heartbeat cannot be written");
                }
                Err(_) => {
                    watch.set(false);
                    tracing::warn!("the node's heartbeat is not written in time");
                }
            }
        }
    });
    let (manager, watch, draining) = (manager.clone(), watch.clone(), process.tasks.draining());
    process.tasks.spawn("watch-release", async move {
        draining.cancelled().await;
        watch.set(false);
        if let Err(error) = nodes::release(&manager.db, &manager.node.node_id, token).await {
            tracing::warn!(%error, "the watch over the node cannot be given up; it runs out");
        }
    });
}

async fn beat_once(manager: &Manager, token: LeaseToken) -> Result<bool> {
    let now = manager.clock.now();
    let node = &manager.node.node_id;
    {
        let mut connection = manager.db.acquire().await?;
        if nodes::beat(&mut connection, &manager.node, now).await? {
            tracing::info!("the node is heard of again");
        }
    }
    nodes::lease(&manager.db, node, &manager.owner, token, WATCH, now).await
}

/// Marks the games of nodes that nobody has heard of. Any manager that watches a node does it for all.
fn mark_lost(process: &Process, manager: &Manager, watch: &Watch, timeout: SignedDuration) {
    let (manager, watch) = (manager.clone(), watch.clone());
    process.tasks.every("lost-nodes", LOST_INTERVAL, move || {
        let (manager, watch) = (manager.clone(), watch.clone());
        async move {
            if !watch.is_held() {
                return;
            }
            let now = manager.clock.now();
            if let Err(error) = outcome::mark_lost_hosts(&manager.db, timeout, now).await {
                tracing::warn!(%error, "games of lost nodes cannot be marked; trying again");
            }
        }
    });
}

/// Wakes what waits for an engine, and the comparison, when the driver tells of a change.
fn listen(process: &Process, manager: &Manager, watch: &Watch) {
    let (manager, watch) = (manager.clone(), watch.clone());
    let draining = process.tasks.draining();
    process.tasks.supervise("driver-events", move || {
        let (manager, watch, draining) = (manager.clone(), watch.clone(), draining.clone());
        async move {
            let mut events = manager.driver.events();
            loop {
                let event = tokio::select! {
                    event = events.next() => event,
                    () = draining.cancelled() => return,
                };
                match event {
                    Some(DriverEvent::Changed(game)) => {
                        if let Err(error) = manager.engine_changed(game).await {
                            tracing::debug!(%error, "what waits for an engine cannot be woken; it looks by itself");
                        }
                    }
                    Some(DriverEvent::Resync) => {}
                    None => return,
                }
                watch.changed.notify_one();
            }
        }
    });
}
