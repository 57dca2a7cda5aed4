//! The loop of a worker over claimed rows: notified or polling, it claims as many as it has room for and works on each in a
//! task of its own.

use std::{future::Future, sync::Arc, time::Duration};

use galaxy_service::{Backoff, Tasks, telemetry::meter};
use opentelemetry::KeyValue;
use tokio::sync::{Notify, Semaphore};

use crate::error::Result;

/// A queue in the database.
pub trait Queue: Send + Sync + 'static {
    /// One claimed item, with its lease.
    type Item: Send + 'static;

    /// Claims up to `room` due items, each under a new lease. Fewer than `room` means that no more is due.
    fn claim(&self, room: u32) -> impl Future<Output = Result<Vec<Self::Item>>> + Send;

    /// Works on one item to its end and records the outcome under its lease. When the process drains, it either
    /// finishes soon or releases the lease.
    fn work(&self, item: Self::Item) -> impl Future<Output = ()> + Send;
}

/// How a worker runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name in logs and metrics.
    pub name: &'static str,
    /// Items worked on at once.
    pub slots: u32,
    /// How long to wait for a notification before claiming anyway.
    pub poll: Duration,
}

/// Starts the loop; it ends when the process drains. A panic in one item ends that item: its lease expires.
pub fn start<Q: Queue>(tasks: &Tasks, queue: Arc<Q>, notify: Arc<Notify>, options: Options) {
    let slots = Arc::new(Semaphore::new(options.slots as usize));
    observe(&slots, &options);
    let spawner = tasks.clone();
    tasks.supervise(options.name, move || {
        run(
            spawner.clone(),
            queue.clone(),
            notify.clone(),
            slots.clone(),
            options.clone(),
        )
    });
}

/// Shows from now on how many slots the worker has, and how many are busy.
fn observe(slots: &Arc<Semaphore>, options: &Options) {
    let labels = [KeyValue::new("worker", options.name)];
    let all = u64::from(options.slots);
    meter()
        .u64_gauge("galaxy.worker.slots")
        .with_description("Items that a worker may work on at once, by worker")
        .build()
        .record(all, &labels);
    let slots = slots.clone();
    meter()
        .u64_observable_gauge("galaxy.worker.busy")
        .with_description("Items that a worker works on, by worker")
        .with_callback(move |observer| {
            let free = slots.available_permits() as u64;
            observer.observe(all.saturating_sub(free), &labels);
        })
        .build();
}

async fn run<Q: Queue>(
    tasks: Tasks,
    queue: Arc<Q>,
    notify: Arc<Notify>,
    slots: Arc<Semaphore>,
    options: Options,
) {
    let draining = tasks.draining();
    let backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10));
    let mut failures = 0;
    while !draining.is_cancelled() {
        // Room before the claim: claimed items are worked on at once, so that no lease runs while its item waits.
        tokio::select! {
            () = draining.cancelled() => break,
            permit = slots.acquire() => drop(permit),
        }
        // Created before the claim, so that work which is committed in between is not missed.
        let notified = notify.notified();
        let room = u32::try_from(slots.available_permits())
            .unwrap_or(u32::MAX)
            .max(1);
        let more = match queue.claim(room).await {
            Ok(items) => {
                failures = 0;
                let full = items.len() >= room as usize;
                for item in items {
                    start_item(&tasks, &queue, &slots, options.name, item);
                }
                full
            }
            Err(error) => {
                failures += 1;
                tracing::warn!(worker = options.name, %error, "work cannot be claimed; trying again");
                tokio::select! {
                    () = tokio::time::sleep(backoff.delay(failures)) => {}
                    () = draining.cancelled() => {}
                }
                true
            }
        };
        if !more {
            tokio::select! {
                () = notified => {}
                () = tokio::time::sleep(options.poll) => {}
                () = draining.cancelled() => {}
            }
        }
    }
}

fn start_item<Q: Queue>(
    tasks: &Tasks,
    queue: &Arc<Q>,
    slots: &Arc<Semaphore>,
    name: &'static str,
    item: Q::Item,
) {
    // Only this loop takes permits, so there is one for each claimed item.
    let permit = slots.clone().try_acquire_owned();
    let queue = queue.clone();
    tasks.spawn(name, async move {
        queue.work(item).await;
        drop(permit);
    });
}
