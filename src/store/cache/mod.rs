//! What `kong.cache` keeps: values outside all VMs, under a byte capacity, and who loads which.
//!
//! Kong has two levels, a cache in each worker and one that they share. Here is one, which knows
//! who has read what, so that a function is told the level that it would be told there.

mod load;
mod value;

use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::time::Instant;

pub(crate) use self::load::{Load, Loading, Waiter};
pub(crate) use self::value::{Unfit, decode, encode};

/// The name of an entry.
pub(crate) type Key = Arc<[u8]>;

/// An encoded value.
type Bytes = Arc<[u8]>;

/// What an entry takes beside its key and value, in bytes: about that.
const OVERHEAD: usize = 192;

pub(crate) struct Cache {
    capacity: usize,
    /// The zero of [`now`](Self::now).
    epoch: Instant,
    state: Mutex<State>,
}

struct State {
    /// The most recently used last to go. A key may be whatever a client chooses: it is hashed so
    /// that nobody can make all keys collide.
    entries: LruCache<Key, Entry, std::hash::RandomState>,
    used: usize,
    /// How often something was stored.
    version: u64,
    loads: FxHashMap<Key, Arc<Load>>,
}

struct Entry {
    value: Bytes,
    /// `None` is never.
    expires: Option<Instant>,
    /// Whether it is an old value that was given a further lease of life.
    resurrected: bool,
    version: u64,
    /// The VMs that have had it, by their numbers modulo 64.
    readers: u64,
}

/// What the cache has for a key.
pub(crate) struct Found {
    pub(crate) value: Bytes,
    pub(crate) level: Level,
    pub(crate) is_fresh: bool,
    /// In seconds, 0 for what never expires.
    pub(crate) ttl: f64,
    pub(crate) version: u64,
}

/// Where mlcache would have found a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// In the worker's own cache.
    Own = 1,
    /// In the cache that workers share.
    Shared = 2,
    /// There too, but it is an old one.
    Stale = 4,
}

/// What came of asking to load a value.
pub(crate) enum Acquired {
    /// The caller is the one who loads it.
    Loading(Loading),
    /// Somebody has just loaded it.
    Found(Found),
    /// Somebody is loading it.
    Busy,
}

impl Cache {
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State {
            entries: LruCache::unbounded_with_hasher(std::hash::RandomState::new()),
            used: 0,
            version: 0,
            loads: FxHashMap::default(),
        };
        Self { capacity, epoch: Instant::now(), state: Mutex::new(state) }
    }

    /// The longest value that is of any use, in bytes.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Seconds, by a clock of its own.
    pub(crate) fn now(&self) -> f64 {
        self.epoch.elapsed().as_secs_f64()
    }

    /// The moment at which [`now`](Self::now) will give `seconds`.
    pub(crate) fn moment(&self, seconds: f64) -> Instant {
        let since = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        self.epoch.checked_add(since).unwrap_or(self.epoch)
    }

    /// What there is for `key`, fresh or not, as the VM `reader` gets it.
    pub(crate) fn find(&self, key: &[u8], reader: usize) -> Option<Found> {
        self.state.lock().find(key, Some(reader))
    }

    /// The same, for a look that is not to count as use.
    pub(crate) fn peek(&self, key: &[u8]) -> Option<Found> {
        self.state.lock().find(key, None)
    }

    /// Asks to load the value of `key`, unless there is one by now. With `anyway` that does not
    /// matter.
    pub(crate) fn acquire(self: &Arc<Self>, key: &[u8], reader: usize, anyway: bool) -> Acquired {
        let mut state = self.state.lock();
        if !anyway && let Some(found) = state.find(key, Some(reader)).filter(|found| found.is_fresh)
        {
            return Acquired::Found(found);
        }
        if state.loads.get(key).is_some_and(|load| !load.is_overdue()) {
            return Acquired::Busy;
        }
        let (key, load) = (Key::from(key), Arc::new(Load::new()));
        let overdue = state.loads.insert(Arc::clone(&key), Arc::clone(&load));
        drop(state);
        if let Some(overdue) = overdue {
            overdue.finish();
        }
        Acquired::Loading(Loading::new(Arc::clone(self), key, load))
    }

    /// The load of `key` that is going on.
    pub(crate) fn load_of(&self, key: &[u8]) -> Option<Arc<Load>> {
        self.state.lock().loads.get(key).cloned()
    }

    /// Frees a key, if it is still `load` that has it.
    fn release(&self, key: &Key, load: &Arc<Load>) {
        let mut state = self.state.lock();
        if state.loads.get(key).is_some_and(|current| Arc::ptr_eq(current, load)) {
            state.loads.remove(key);
        }
        drop(state);
        load.finish();
    }

    /// Stores a value for `ttl` seconds, 0 for ever, and makes room for it. `reader` has it already.
    ///
    /// Says whether there was room.
    pub(crate) fn store(
        &self,
        key: &[u8],
        value: Vec<u8>,
        ttl: f64,
        reader: Option<usize>,
    ) -> bool {
        let size = size(key, &value);
        if size > self.capacity {
            self.remove(key);
            return false;
        }
        let mut state = self.state.lock();
        state.remove(key);
        while state.used + size > self.capacity {
            state.evict();
        }
        state.insert(key, value, ttl, reader);
        true
    }

    /// Stores a value where there is room for it already.
    pub(crate) fn store_safely(&self, key: &[u8], value: Vec<u8>, ttl: f64) -> bool {
        let mut state = self.state.lock();
        let replaced = state.entries.peek(key).map_or(0, |entry| size(key, &entry.value));
        if state.used - replaced + size(key, &value) > self.capacity {
            return false;
        }
        state.remove(key);
        state.insert(key, value, ttl, None);
        true
    }

    /// Gives what has expired `ttl` further seconds. Gives it back, if it is still there.
    pub(crate) fn resurrect(&self, key: &[u8], ttl: f64, reader: usize) -> Option<Found> {
        let mut state = self.state.lock();
        let entry = state.entries.get_mut(key)?;
        entry.expires = expiry(ttl);
        entry.resurrected = true;
        entry.readers = 0;
        state.find(key, Some(reader))
    }

    pub(crate) fn remove(&self, key: &[u8]) {
        self.state.lock().remove(key);
    }

    pub(crate) fn purge(&self) {
        let mut state = self.state.lock();
        state.entries.clear();
        state.used = 0;
    }
}

impl State {
    fn find(&mut self, key: &[u8], reader: Option<usize>) -> Option<Found> {
        let (entry, bit) = match reader {
            Some(reader) => (self.entries.get_mut(key)?, 1 << (reader % 64)),
            None => (self.entries.peek_mut(key)?, 0),
        };
        let left = entry.expires.map(|expires| expires.saturating_duration_since(Instant::now()));
        let is_fresh = left.is_none_or(|left| !left.is_zero());
        let level = match (entry.readers & bit != 0, entry.resurrected) {
            (true, _) => Level::Own,
            (false, true) => Level::Stale,
            (false, false) => Level::Shared,
        };
        if is_fresh {
            entry.readers |= bit;
        }
        Some(Found {
            value: Arc::clone(&entry.value),
            level,
            is_fresh,
            ttl: left.map_or(0.0, |left| left.as_secs_f64()),
            version: entry.version,
        })
    }

    fn insert(&mut self, key: &[u8], value: Vec<u8>, ttl: f64, reader: Option<usize>) {
        self.version += 1;
        self.used += size(key, &value);
        let entry = Entry {
            value: Bytes::from(value),
            expires: expiry(ttl),
            resurrected: false,
            version: self.version,
            readers: reader.map_or(0, |reader| 1 << (reader % 64)),
        };
        self.entries.put(Key::from(key), entry);
    }

    fn remove(&mut self, key: &[u8]) {
        if let Some(entry) = self.entries.pop(key) {
            self.used -= size(key, &entry.value);
        }
    }

    fn evict(&mut self) {
        let (key, entry) = self.entries.pop_lru().expect("what is used is used by entries");
        self.used -= size(&key, &entry.value);
    }
}

fn size(key: &[u8], value: &[u8]) -> usize {
    key.len() + value.len() + OVERHEAD
}

/// When something expires that is stored now.
fn expiry(ttl: f64) -> Option<Instant> {
    let ttl = if ttl == 0.0 { None } else { Duration::try_from_secs_f64(ttl).ok() };
    ttl.and_then(|ttl| Instant::now().checked_add(ttl))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(cache: &Cache) -> usize {
        let state = cache.state.lock();
        let sizes = state.entries.iter().map(|(key, entry)| size(key, &entry.value));
        assert_eq!(state.used, sizes.sum::<usize>());
        state.used
    }

    #[test]
    fn what_is_stored_never_takes_more_than_the_capacity() {
        let cache = Cache::new(10_000);
        for round in 0..1000_usize {
            let key = (round % 37).to_string();
            cache.store(key.as_bytes(), vec![0; round * 13 % 9000], 0.0, None);
            assert!(used(&cache) <= 10_000);
        }
        assert!(!cache.store(b"a", vec![0; 10_000], 0.0, None));
        assert!(cache.peek(b"a").is_none());
        assert!(!cache.store_safely(b"a", vec![0; 9_990], 0.0));
        cache.purge();
        assert_eq!(used(&cache), 0);
        assert!(cache.store_safely(b"a", vec![0; 100], 0.0));
        assert!(cache.store_safely(b"a", vec![0; 9_000], 0.0));
        cache.remove(b"a");
        assert_eq!(used(&cache), 0);
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let cache = Cache::new(3 * (OVERHEAD + 11));
        for key in ["a", "b", "c"] {
            cache.store(key.as_bytes(), vec![0; 10], 0.0, None);
        }
        cache.find(b"a", 0);
        cache.store(b"d", vec![0; 10], 0.0, None);
        let left = ["a", "b", "c", "d"].map(|key| cache.peek(key.as_bytes()).is_some());
        assert_eq!(left, [true, false, true, true]);
    }

    #[test]
    fn whoever_frees_a_key_late_frees_it_from_nobody_else() {
        let cache = Arc::new(Cache::new(1000));
        let Acquired::Loading(first) = cache.acquire(b"a", 0, false) else { panic!() };
        assert!(matches!(cache.acquire(b"a", 0, false), Acquired::Busy));
        cache.state.lock().loads.insert(Key::from(*b"a"), Arc::new(Load::new()));
        drop(first);
        assert!(matches!(cache.acquire(b"a", 0, false), Acquired::Busy));
    }
}
