//! A bounded cache that never keeps a value that was read before an invalidation.
//!
//! A reader takes a [`Generation`] before it reads the source and shows it when it inserts; every invalidation begins a new
//! generation, and a value of an older one is not kept. Check and insertion happen under one lock.

use std::{
    collections::{HashMap, HashSet, VecDeque, hash_map::RandomState},
    hash::{BuildHasher, Hash},
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

const SHARDS: usize = 16;

/// A cache from `K` to `V`. Entries are evicted oldest first, when it is full or when they are older than the time to live.
/// An entry may have an owner `O`, so that [`GenerationCache::invalidate_owner`] finds all entries of that owner.
#[derive(Debug)]
pub struct GenerationCache<K, V, O = ()> {
    shards: Vec<Mutex<Shard<K, V, O>>>,
    hasher: RandomState,
    shard_capacity: usize,
    time_to_live: Duration,
}

/// The time between two invalidations that concern a key. Generations of different keys cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Generation(u64);

#[derive(Debug)]
struct Shard<K, V, O> {
    generation: u64,
    entries: HashMap<K, Entry<V, O>>,
    /// Keys by owner; the secondary index of `entries`.
    owned: HashMap<O, HashSet<K>>,
    /// Insertions, oldest first. An insertion whose number is not its entry's was replaced or removed.
    insertions: VecDeque<(u64, K)>,
    inserted: u64,
}

#[derive(Debug)]
struct Entry<V, O> {
    value: V,
    owner: Option<O>,
    insertion: u64,
    at: Instant,
}

impl<K: Clone + Eq + Hash, V: Clone, O: Clone + Eq + Hash> GenerationCache<K, V, O> {
    /// A cache of about `capacity` entries (it is divided evenly over the shards), none older than `time_to_live`.
    pub fn new(capacity: usize, time_to_live: Duration) -> Self {
        Self {
            shards: std::iter::repeat_with(|| Mutex::new(Shard::new()))
                .take(SHARDS)
                .collect(),
            hasher: RandomState::new(),
            shard_capacity: capacity.div_ceil(SHARDS).max(1),
            time_to_live,
        }
    }

    /// The cached value, and the generation to give to [`GenerationCache::insert`] or [`GenerationCache::is_current`].
    pub fn lookup(&self, key: &K) -> (Option<V>, Generation) {
        let shard = self.shard(key);
        let entry = shard.entries.get(key);
        let value = entry
            .filter(|entry| entry.at.elapsed() < self.time_to_live)
            .map(|entry| entry.value.clone());
        (value, Generation(shard.generation))
    }

    /// Whether nothing that concerns `key` was invalidated since `generation` was taken.
    pub fn is_current(&self, key: &K, generation: Generation) -> bool {
        self.shard(key).generation == generation.0
    }

    /// Keeps a value without an owner, unless `generation` has ended. Answers whether it has not.
    pub fn insert(&self, key: K, value: V, generation: Generation) -> bool {
        self.insert_entry(key, value, None, generation)
    }

    /// Keeps a value that [`GenerationCache::invalidate_owner`] of `owner` removes, unless `generation` has ended.
    /// Answers whether it has not.
    pub fn insert_owned(&self, owner: O, key: K, value: V, generation: Generation) -> bool {
        self.insert_entry(key, value, Some(owner), generation)
    }

    fn insert_entry(&self, key: K, value: V, owner: Option<O>, generation: Generation) -> bool {
        let mut shard = self.shard(&key);
        if shard.generation != generation.0 {
            return false;
        }
        shard.insert(key, value, owner);
        shard.evict(self.shard_capacity, self.time_to_live);
        true
    }

    /// Removes one entry and ends the generation of its key.
    pub fn invalidate(&self, key: &K) {
        let mut shard = self.shard(key);
        shard.remove(key);
        shard.generation += 1;
    }

    /// Removes an entry that a reader of `generation` found to be out of date. Ends that generation, unless it has ended.
    /// Answers the current one, which is the same for all readers of the entry.
    pub fn discard(&self, key: &K, generation: Generation) -> Generation {
        let mut shard = self.shard(key);
        shard.remove(key);
        if shard.generation == generation.0 {
            shard.generation += 1;
        }
        Generation(shard.generation)
    }

    /// Removes all entries of an owner. Ends the generations of all keys, since an owner's keys may be being read.
    pub fn invalidate_owner(&self, owner: &O) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            for key in shard.owned.remove(owner).unwrap_or_default() {
                shard.entries.remove(&key);
            }
            shard.generation += 1;
        }
    }

    /// Removes everything and ends the generations of all keys.
    pub fn invalidate_all(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.entries.clear();
            shard.owned.clear();
            shard.insertions.clear();
            shard.generation += 1;
        }
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, Shard<K, V, O>> {
        self.shards[self.shard_index(key)].lock()
    }

    fn shard_index(&self, key: &K) -> usize {
        usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0)
    }
}

impl<K: Clone + Eq + Hash, V, O: Clone + Eq + Hash> Shard<K, V, O> {
    fn new() -> Self {
        Self {
            generation: 0,
            entries: HashMap::new(),
            owned: HashMap::new(),
            insertions: VecDeque::new(),
            inserted: 0,
        }
    }

    fn insert(&mut self, key: K, value: V, owner: Option<O>) {
        self.remove(&key);
        self.inserted += 1;
        self.insertions.push_back((self.inserted, key.clone()));
        if let Some(owner) = &owner {
            let keys = self.owned.entry(owner.clone()).or_default();
            keys.insert(key.clone());
        }
        let entry = Entry {
            value,
            owner,
            insertion: self.inserted,
            at: Instant::now(),
        };
        self.entries.insert(key, entry);
    }

    fn remove(&mut self, key: &K) {
        let Some(Entry {
            owner: Some(owner), ..
        }) = self.entries.remove(key)
        else {
            return;
        };
        if let Some(keys) = self.owned.get_mut(&owner) {
            keys.remove(key);
            if keys.is_empty() {
                self.owned.remove(&owner);
            }
        }
    }

    /// Removes expired entries, and the oldest ones beyond `capacity`.
    fn evict(&mut self, capacity: usize, time_to_live: Duration) {
        while let Some((insertion, key)) = self.insertions.front() {
            let entry = self.entries.get(key);
            match entry.filter(|entry| entry.insertion == *insertion) {
                Some(entry)
                    if self.entries.len() <= capacity && entry.at.elapsed() < time_to_live =>
                {
                    break;
                }
                Some(_) => {
                    let key = key.clone();
                    self.remove(&key);
                }
                None => {}
            }
            self.insertions.pop_front();
        }
        if self.insertions.len() > 2 * capacity {
            let entries = &self.entries;
            self.insertions.retain(|(insertion, key)| {
                let entry = entries.get(key);
                entry.is_some_and(|entry| entry.insertion == *insertion)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        hash::Hasher,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    type Cache = GenerationCache<u32, &'static str, u32>;

    fn cached(cache: &Cache, key: u32) -> Option<&'static str> {
        cache.lookup(&key).0
    }

    fn sizes<K, V, O>(cache: &GenerationCache<K, V, O>) -> (usize, usize, usize) {
        let shards = cache.shards.iter().map(|shard| shard.lock());
        shards.fold((0, 0, 0), |(entries, owned, insertions), shard| {
            (
                entries + shard.entries.len(),
                owned + shard.owned.values().map(HashSet::len).sum::<usize>(),
                insertions + shard.insertions.len(),
            )
        })
    }

    #[test]
    fn a_value_read_before_an_invalidation_is_not_kept() {
        let invalidations: [fn(&Cache); 3] = [
            |cache| cache.invalidate(&1),
            |cache| cache.invalidate_owner(&7),
            GenerationCache::invalidate_all,
        ];
        for invalidate in invalidations {
            let cache = Cache::new(64, MINUTE);
            let (_, generation) = cache.lookup(&1);
            assert!(cache.is_current(&1, generation));
            invalidate(&cache);
            assert!(!cache.is_current(&1, generation));
            assert!(!cache.insert_owned(7, 1, "old", generation));
            assert_eq!(cached(&cache, 1), None);
            let (_, generation) = cache.lookup(&1);
            assert!(cache.insert_owned(7, 1, "new", generation));
            assert_eq!(cached(&cache, 1), Some("new"));
            invalidate(&cache);
            assert_eq!(cached(&cache, 1), None);
        }
    }

    #[test]
    fn readers_that_discard_the_same_entry_go_on_in_the_same_generation() {
        let cache = Cache::new(64, MINUTE);
        cache.insert(1, "outdated", cache.lookup(&1).1);
        let (_, before) = cache.lookup(&1);
        let after = cache.discard(&1, before);
        assert_ne!(after, before);
        assert_eq!(cache.discard(&1, before), after);
        assert!(!cache.insert(1, "read before", before));
        assert!(cache.insert(1, "read after", after));
        assert_eq!(cached(&cache, 1), Some("read after"));
    }

    #[test]
    fn invalidating_an_owner_removes_the_entries_of_that_owner_only() {
        let cache = Cache::new(64, MINUTE);
        for (key, owner) in [(1, Some(7)), (2, Some(7)), (3, Some(8)), (4, None)] {
            let (_, generation) = cache.lookup(&key);
            assert!(match owner {
                Some(owner) => cache.insert_owned(owner, key, "x", generation),
                None => cache.insert(key, "x", generation),
            });
        }
        // Replaced: key 2 belongs to 8 from here on.
        let (_, generation) = cache.lookup(&2);
        cache.insert_owned(8, 2, "y", generation);
        cache.invalidate_owner(&7);
        let keys: Vec<u32> = (1..=4)
            .filter(|key| cached(&cache, *key).is_some())
            .collect();
        assert_eq!(keys, [2, 3, 4]);
        cache.invalidate_owner(&8);
        assert_eq!(sizes(&cache).0, 1);
        assert_eq!(
            sizes(&cache).1,
            0,
            "the index keeps nothing of removed entries"
        );
    }

    /// An owner that counts how often it is compared. Finding an owner's entries by looking at each entry compares each.
    #[derive(Debug, Clone)]
    struct CountingOwner(u32, Arc<AtomicUsize>);

    impl PartialEq for CountingOwner {
        fn eq(&self, other: &Self) -> bool {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0 == other.0
        }
    }

    impl Eq for CountingOwner {}

    impl Hash for CountingOwner {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    #[test]
    fn invalidating_an_owner_looks_at_the_entries_of_that_owner_only() {
        let compared = Arc::new(AtomicUsize::new(0));
        let owner = |number| CountingOwner(number, compared.clone());
        let cache = GenerationCache::new(100_000, MINUTE);
        for key in 0..20_000_u32 {
            let (_, generation) = cache.lookup(&key);
            cache.insert_owned(owner(key / 2), key, (), generation);
        }
        compared.store(0, Ordering::Relaxed);
        cache.invalidate_owner(&owner(5_000));
        let visited = compared.load(Ordering::Relaxed);
        assert!((1..=4 * SHARDS).contains(&visited), "{visited}");
        assert_eq!(sizes(&cache).0, 19_998);
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_is_not_served_after_its_time_and_then_removed() {
        let cache = Cache::new(64, MINUTE);
        cache.insert_owned(7, 1, "x", cache.lookup(&1).1);
        tokio::time::advance(MINUTE.saturating_sub(Duration::from_millis(1))).await;
        assert_eq!(cached(&cache, 1), Some("x"));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(cached(&cache, 1), None);
        for key in 2..100 {
            cache.insert(key, "y", cache.lookup(&key).1);
        }
        assert_eq!(sizes(&cache).1, 0, "the expired entry is still held");
    }

    #[test]
    fn the_oldest_entry_is_evicted_first_even_if_its_key_was_invalidated_before() {
        let cache = Cache::new(2 * SHARDS, MINUTE);
        let mut in_one_shard = (0..).filter(|key| cache.shard_index(key) == 0);
        let [a, b, c] = [(); 3].map(|()| in_one_shard.next().unwrap());
        for key in [a, b] {
            cache.insert(key, "x", cache.lookup(&key).1);
        }
        // The first insertion of `a` is void; its second one is the newest.
        cache.invalidate(&a);
        cache.insert(a, "again", cache.lookup(&a).1);
        cache.insert(c, "x", cache.lookup(&c).1);
        assert_eq!(cached(&cache, b), None);
        assert_eq!(cached(&cache, a), Some("again"));
        assert_eq!(cached(&cache, c), Some("x"));
    }

    #[test]
    fn it_stays_within_its_bounds() {
        let cache = Cache::new(64, MINUTE);
        for key in 0..10_000_u32 {
            let key = key % 500;
            cache.insert_owned(key % 9, key, "x", cache.lookup(&key).1);
            if key % 3 == 0 {
                cache.invalidate(&key);
            }
        }
        let (entries, owned, insertions) = sizes(&cache);
        assert!(entries <= 64, "{entries}");
        assert_eq!(owned, entries);
        assert!(insertions <= 2 * 64, "{insertions}");
    }
}
