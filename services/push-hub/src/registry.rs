//! One subscription per gateway: a new one of the same name ends the old one.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use galaxy_service::telemetry::meter;
use opentelemetry::KeyValue;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::feed::Feed;

/// The open subscriptions by gateway name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Registry(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    count: u64,
    by_name: HashMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    replaced: CancellationToken,
    taken: Arc<AtomicU64>,
}

/// One subscription in the registry; removed when dropped.
#[derive(Debug)]
pub struct Registration {
    registry: Registry,
    name: String,
    number: u64,
    replaced: CancellationToken,
    taken: Arc<AtomicU64>,
}

impl Registry {
    /// Shows from now on how far behind `feed` each gateway is. Once a process.
    pub fn observe(&self, feed: &Feed) {
        let (registry, feed) = (self.clone(), feed.clone());
        meter()
            .u64_observable_gauge("galaxy.push.lag")
            .with_description("Messages that a gateway has not taken yet, by gateway")
            .with_callback(move |observer| {
                let head = feed.with(|ring| ring.head().position.sequence);
                for (name, entry) in &registry.0.lock().by_name {
                    let lag = head.saturating_sub(entry.taken.load(Ordering::Relaxed));
                    observer.observe(lag, &[KeyValue::new("gateway", name.clone())]);
                }
            })
            .build();
    }

    /// Registers a subscription of `name`; an earlier one of that name is cancelled.
    pub fn register(&self, name: &str) -> Registration {
        let replaced = CancellationToken::new();
        let mut open = self.0.lock();
        open.count += 1;
        let number = open.count;
        let taken = Arc::new(AtomicU64::new(u64::MAX));
        let entry = Entry {
            number,
            replaced: replaced.clone(),
            taken: taken.clone(),
        };
        if let Some(old) = open.by_name.insert(name.to_owned(), entry) {
            old.replaced.cancel();
        }
        drop(open);
        Registration {
            registry: self.clone(),
            name: name.to_owned(),
            number,
            replaced,
            taken,
        }
    }
}

impl Registration {
    /// Cancelled when a newer subscription of the same name was registered.
    pub fn replaced(&self) -> &CancellationToken {
        &self.replaced
    }

    /// The gateway has taken the messages of the stream up to `sequence`.
    pub fn took(&self, sequence: u64) {
        self.taken.store(sequence, Ordering::Relaxed);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut open = self.registry.0.lock();
        let is_current = open
            .by_name
            .get(&self.name)
            .is_some_and(|entry| entry.number == self.number);
        if is_current {
            open.by_name.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_subscription_replaces_only_the_old_one_of_its_name() {
        let registry = Registry::default();
        let (first, other) = (registry.register("a"), registry.register("b"));
        let second = registry.register("a");
        assert!(first.replaced().is_cancelled());
        assert!(!second.replaced().is_cancelled());
        assert!(!other.replaced().is_cancelled());
        drop(first);
        let third = registry.register("a");
        assert!(
            second.replaced().is_cancelled(),
            "dropping a replaced registration must not remove the newer one"
        );
        drop((second, other, third));
        assert!(registry.0.lock().by_name.is_empty());
    }
}
