//! A bounded cache that never keeps what was read before it was told to forget.
//!
//! A reader takes a [`Ticket`] before it asks the database and shows it when it puts the answer in; if the key's shard was
//! told to forget anything meanwhile, the answer is not kept. Check and insertion happen under one lock.

use std::{
    collections::{HashMap, VecDeque, hash_map::RandomState},
    hash::{BuildHasher, Hash},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

const SHARDS: usize = 16;

/// A key–value cache; the oldest entries go first when it is full.
pub struct Cache<K, V> {
    shards: Vec<Mutex<Shard<K, V>>>,
    hasher: RandomState,
    per_shard: usize,
    time_to_live: Duration,
}

struct Shard<K, V> {
    entries: HashMap<K, (V, Instant)>,
    order: VecDeque<K>,
    forgettings: u64,
}

/// The moment before a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(u64);

impl<K: Copy + Eq + Hash, V: Clone> Cache<K, V> {
    /// At most `capacity` entries, none older than `time_to_live`.
    pub fn new(capacity: usize, time_to_live: Duration) -> Self {
        let shard = || {
            Mutex::new(Shard {
                entries: HashMap::new(),
                order: VecDeque::new(),
                forgettings: 0,
            })
        };
        Self {
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            hasher: RandomState::new(),
            per_shard: capacity.div_ceil(SHARDS).max(1),
            time_to_live,
        }
    }

    /// What is cached for `key`, or the ticket for reading it.
    pub fn get(&self, key: &K) -> Result<V, Ticket> {
        let shard = self.shard(key);
        match shard.entries.get(key) {
            Some((value, at)) if at.elapsed() < self.time_to_live => Ok(value.clone()),
            _ => Err(Ticket(shard.forgettings)),
        }
    }

    /// Keeps `value`, unless something was forgotten since `ticket` was taken.
    pub fn insert(&self, key: K, value: V, ticket: Ticket) {
        let mut shard = self.shard(&key);
        if shard.forgettings != ticket.0 {
            return;
        }
        if shard.entries.insert(key, (value, Instant::now())).is_none() {
            shard.order.push_back(key);
        }
        while shard.entries.len() > self.per_shard || shard.order.len() > 2 * self.per_shard {
            match shard.order.pop_front() {
                Some(oldest) => shard.entries.remove(&oldest),
                None => break,
            };
        }
    }

    /// Forgets `key`, and what is being read right now.
    pub fn forget(&self, key: &K) {
        let mut shard = self.shard(key);
        shard.forgettings += 1;
        shard.entries.remove(key);
    }

    /// Forgets everything, and what is being read right now.
    pub fn forget_all(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.forgettings += 1;
            shard.entries.clear();
            shard.order.clear();
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        let size = |shard: &Mutex<Shard<K, V>>| {
            shard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entries
                .len()
        };
        self.shards.iter().map(size).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, Shard<K, V>> {
        let hash = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        self.shards[hash]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn what_was_read_before_a_forgetting_is_not_kept() {
        let cache = Cache::new(10, MINUTE);
        let ticket = cache.get(&1).unwrap_err();
        cache.forget(&1);
        cache.insert(1, "old", ticket);
        let ticket = cache.get(&1).unwrap_err();
        cache.insert(1, "new", ticket);
        assert_eq!(cache.get(&1), Ok("new"));
        cache.forget_all();
        assert!(cache.get(&1).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn entries_grow_old() {
        let cache = Cache::new(10, MINUTE);
        cache.insert(1, "x", cache.get(&1).unwrap_err());
        tokio::time::advance(MINUTE).await;
        assert!(cache.get(&1).is_err());
    }

    #[test]
    fn it_stays_within_its_bounds() {
        let cache = Cache::new(64, MINUTE);
        for key in 0..10_000_u32 {
            if let Err(ticket) = cache.get(&key) {
                cache.insert(key, key, ticket);
            }
            if key % 3 == 0 {
                cache.forget(&key);
            }
        }
        assert!(cache.len() <= 64, "{}", cache.len());
        let queued: usize = cache
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap().order.len())
            .sum();
        assert!(queued <= 2 * 64, "{queued}");
    }
}
