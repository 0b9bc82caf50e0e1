//! A shared dictionary: values under keys, within a number of bytes, the least recently used of
//! which make room for others.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use lru::LruCache;
use parking_lot::Mutex;
use tokio::time::Instant;

pub(crate) struct SharedDict {
    capacity: usize,
    store: Mutex<Store>,
}

struct Store {
    entries: LruCache<Box<[u8]>, Entry>,
    used: usize,
}

struct Entry {
    value: Stored,
    flags: i32,
    /// `None` for never.
    expires: Option<Instant>,
}

/// A value as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stored {
    Boolean(bool),
    Number(f64),
    Text(Bytes),
    /// What `lpush` and `rpush` have made: numbers and texts.
    List(VecDeque<Stored>),
}

/// A value with what was noted beside it.
#[derive(Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) value: Stored,
    pub(crate) flags: i32,
    pub(crate) stale: bool,
}

/// When a value may be stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Always,
    Absent,
    Present,
}

/// How a value is to be stored.
pub(crate) struct Storing {
    pub(crate) condition: Condition,
    /// Whether other values must stay, even if there is no room then.
    pub(crate) safe: bool,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) flags: i32,
}

#[derive(Clone, Copy)]
pub(crate) enum End {
    Left,
    Right,
}

/// Why something was not done, in lua-nginx-module's words.
pub(crate) type Refused = &'static str;

const NO_MEMORY: Refused = "no memory";
const NOT_FOUND: Refused = "not found";
const NOT_A_LIST: Refused = "value not a list";

/// What an entry takes beside its key and value: about what the map and the list of uses do.
const ENTRY_SIZE: usize = 128;
/// The same for an element of a list.
const ELEMENT_SIZE: usize = 40;

impl SharedDict {
    pub(crate) fn new(capacity: usize) -> Self {
        let store = Store { entries: LruCache::unbounded(), used: 0 };
        Self { capacity, store: Mutex::new(store) }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn free_space(&self) -> usize {
        self.capacity.saturating_sub(self.store.lock().used)
    }

    /// The value under a key; if `stale`, one that has expired as well.
    pub(crate) fn get(&self, key: &[u8], stale: bool) -> Result<Option<Found>, Refused> {
        let mut store = self.store.lock();
        let Some(entry) = store.entries.get(key) else { return Ok(None) };
        let expired = entry.is_expired(Instant::now());
        if expired && !stale {
            return Ok(None);
        }
        if matches!(entry.value, Stored::List(_)) {
            return Err("value is a list");
        }
        Ok(Some(Found { value: entry.value.clone(), flags: entry.flags, stale: expired }))
    }

    /// Stores a value, or with none removes what is there. Whether others had to go for it, and
    /// whether it could be done.
    pub(crate) fn store(
        &self,
        key: &[u8],
        value: Option<Stored>,
        how: &Storing,
    ) -> (Result<(), Refused>, bool) {
        let now = Instant::now();
        let mut store = self.store.lock();
        store.remove_expired(now, 2);
        let present = store.entries.peek(key).is_some_and(|entry| !entry.is_expired(now));
        match how.condition {
            Condition::Absent if present => return (Err("exists"), false),
            Condition::Present if !present => return (Err(NOT_FOUND), false),
            _ => {}
        }
        store.remove(key);
        let Some(value) = value else { return (Ok(()), false) };
        let entry = Entry { value, flags: how.flags, expires: expiry(now, how.lifetime) };
        store.insert(key, entry, self.capacity, how.safe)
    }

    /// Removes a value, unless somebody is at work with the dictionary: whoever collects garbage cannot wait.
    pub(crate) fn try_delete(&self, key: &[u8]) {
        if let Some(mut store) = self.store.try_lock() {
            store.remove(key);
        }
    }

    /// Adds `step` to a number; to `init`, if there is none. The sum, and whether others had to go
    /// for it.
    pub(crate) fn incr(
        &self,
        key: &[u8],
        step: f64,
        init: Option<f64>,
        lifetime: Option<Duration>,
    ) -> Result<(f64, bool), Refused> {
        let now = Instant::now();
        let mut store = self.store.lock();
        store.remove_expired(now, 2);
        if let Some(entry) = store.entries.get_mut(key).filter(|entry| !entry.is_expired(now)) {
            let Stored::Number(number) = &mut entry.value else { return Err("not a number") };
            *number += step;
            return Ok((*number, false));
        }
        let sum = init.ok_or(NOT_FOUND)? + step;
        store.remove(key);
        let value = Stored::Number(sum);
        let entry = Entry { value, flags: 0, expires: expiry(now, lifetime) };
        let (result, forcible) = store.insert(key, entry, self.capacity, false);
        result.map(|()| (sum, forcible))
    }

    /// Adds an element to a list, and says how many it has then.
    pub(crate) fn push(&self, key: &[u8], element: Stored, end: End) -> Result<usize, Refused> {
        let now = Instant::now();
        let mut store = self.store.lock();
        store.remove_expired(now, 2);
        if store.entries.peek(key).is_some_and(|entry| entry.is_expired(now)) {
            store.remove(key);
        }
        let is_new = !store.entries.contains(key);
        let more = element.size() + ELEMENT_SIZE;
        let needed = if is_new { more + key.len() + ENTRY_SIZE } else { more };
        // Lists never push others out.
        let fits = store.used + needed <= self.capacity;
        if is_new {
            if !fits {
                return Err(NO_MEMORY);
            }
            let entry = Entry { value: Stored::List([element].into()), flags: 0, expires: None };
            store.insert(key, entry, self.capacity, true).0?;
            return Ok(1);
        }
        let entry = store.entries.get_mut(key).expect("not new");
        let Stored::List(list) = &mut entry.value else { return Err(NOT_A_LIST) };
        if !fits {
            return Err(NO_MEMORY);
        }
        match end {
            End::Left => list.push_front(element),
            End::Right => list.push_back(element),
        }
        let length = list.len();
        store.used += more;
        Ok(length)
    }

    /// Takes an element from a list. A list without elements is gone.
    pub(crate) fn pop(&self, key: &[u8], end: End) -> Result<Option<Stored>, Refused> {
        let now = Instant::now();
        let mut store = self.store.lock();
        store.remove_expired(now, 2);
        let Some(entry) = store.entries.get_mut(key).filter(|entry| !entry.is_expired(now)) else {
            return Ok(None);
        };
        let Stored::List(list) = &mut entry.value else { return Err(NOT_A_LIST) };
        let element = match end {
            End::Left => list.pop_front(),
            End::Right => list.pop_back(),
        };
        let is_empty = list.is_empty();
        if let Some(element) = &element {
            store.used -= element.size() + ELEMENT_SIZE;
        }
        if is_empty {
            store.remove(key);
        }
        Ok(element)
    }

    /// How many elements a list has.
    pub(crate) fn len(&self, key: &[u8]) -> Result<usize, Refused> {
        let now = Instant::now();
        let mut store = self.store.lock();
        store.remove_expired(now, 2);
        match store.entries.get(key).filter(|entry| !entry.is_expired(now)) {
            None => Ok(0),
            Some(Entry { value: Stored::List(list), .. }) => Ok(list.len()),
            Some(_) => Err(NOT_A_LIST),
        }
    }

    /// The seconds that a value has left, 0 for one that never expires.
    pub(crate) fn ttl(&self, key: &[u8]) -> Result<f64, Refused> {
        let now = Instant::now();
        let store = self.store.lock();
        let entry = store.entries.peek(key).filter(|entry| !entry.is_expired(now));
        let expires = entry.ok_or(NOT_FOUND)?.expires;
        // Whole milliseconds, as nginx's clock has them; a value that is there has one left.
        let millis = |expires: Instant| (expires - now).as_millis().max(1) as f64;
        Ok(expires.map_or(0.0, |expires| millis(expires) / 1000.0))
    }

    pub(crate) fn expire(&self, key: &[u8], lifetime: Option<Duration>) -> Result<(), Refused> {
        let now = Instant::now();
        let mut store = self.store.lock();
        let entry = store.entries.peek_mut(key).filter(|entry| !entry.is_expired(now));
        entry.ok_or(NOT_FOUND)?.expires = expiry(now, lifetime);
        Ok(())
    }

    /// Lets all values expire. They go when there is need of their room.
    pub(crate) fn flush_all(&self) {
        let now = Instant::now();
        for (_, entry) in &mut self.store.lock().entries {
            entry.expires = Some(now);
        }
    }

    /// Removes values that have expired, at most `max` unless that is 0, and says how many.
    pub(crate) fn flush_expired(&self, max: usize) -> usize {
        let now = Instant::now();
        let mut store = self.store.lock();
        let expired = store.entries.iter().rev().filter(|(_, entry)| entry.is_expired(now));
        let keys: Vec<_> = expired.take(limit(max)).map(|(key, _)| key.clone()).collect();
        keys.iter().for_each(|key| store.remove(key));
        keys.len()
    }

    /// The keys, those that were not used for long first; at most `max`, unless that is 0.
    pub(crate) fn keys(&self, max: usize) -> Vec<Box<[u8]>> {
        let now = Instant::now();
        let store = self.store.lock();
        let alive = store.entries.iter().rev().filter(|(_, entry)| !entry.is_expired(now));
        alive.take(limit(max)).map(|(key, _)| key.clone()).collect()
    }
}

fn limit(max: usize) -> usize {
    if max == 0 { usize::MAX } else { max }
}

/// When what lives for `lifetime` ends: never, if that is not to be lived to see.
fn expiry(now: Instant, lifetime: Option<Duration>) -> Option<Instant> {
    now.checked_add(lifetime?)
}

impl Store {
    fn insert(
        &mut self,
        key: &[u8],
        entry: Entry,
        capacity: usize,
        safe: bool,
    ) -> (Result<(), Refused>, bool) {
        let size = entry.size(key);
        let mut forcible = false;
        // Kong: gives up after thirty, whether there is room then or not.
        while self.used + size > capacity {
            if safe {
                return (Err(NO_MEMORY), forcible);
            }
            // What is larger than the dictionary makes room for nothing, and that is noticed late.
            let Some((key, entry)) = self.entries.pop_lru() else {
                return (Err(NO_MEMORY), forcible);
            };
            self.used -= entry.size(&key);
            forcible = true;
        }
        self.used += size;
        self.entries.put(key.into(), entry);
        (Ok(()), forcible)
    }

    fn remove(&mut self, key: &[u8]) {
        if let Some(entry) = self.entries.pop(key) {
            self.used -= entry.size(key);
        }
    }

    /// Removes up to `count` of the least recently used, as far as they have expired.
    fn remove_expired(&mut self, now: Instant, count: usize) {
        for _ in 0..count {
            match self.entries.peek_lru() {
                Some((_, entry)) if entry.is_expired(now) => {
                    let (key, entry) = self.entries.pop_lru().expect("looked at above");
                    self.used -= entry.size(&key);
                }
                _ => return,
            }
        }
    }
}

impl Entry {
    fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    fn size(&self, key: &[u8]) -> usize {
        ENTRY_SIZE + key.len() + self.value.size()
    }
}

impl Stored {
    fn size(&self) -> usize {
        match self {
            Self::Boolean(_) | Self::Number(_) => 8,
            Self::Text(text) => text.len(),
            Self::List(list) => {
                list.iter().map(|element| element.size() + ELEMENT_SIZE).sum::<usize>()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: Storing =
        Storing { condition: Condition::Always, safe: false, lifetime: None, flags: 0 };

    fn text(text: &'static str) -> Stored {
        Stored::Text(Bytes::from_static(text.as_bytes()))
    }

    fn live_for(millis: u64) -> Storing {
        Storing { lifetime: Some(Duration::from_millis(millis)), ..SET }
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_lives_as_long_as_it_was_told_to() {
        let dict = SharedDict::new(1 << 20);
        dict.store(b"a", Some(text("x")), &live_for(1000)).0.unwrap();
        tokio::time::advance(Duration::from_millis(400)).await;
        assert_eq!(dict.ttl(b"a"), Ok(0.6));
        dict.expire(b"a", Some(Duration::from_millis(100))).unwrap();
        tokio::time::advance(Duration::from_millis(100)).await;
        assert_eq!(dict.get(b"a", false), Ok(None));
        assert!(dict.get(b"a", true).unwrap().unwrap().stale);
        assert_eq!(dict.ttl(b"a"), Err(NOT_FOUND));
        assert_eq!(dict.flush_expired(0), 1);
        assert_eq!(dict.get(b"a", true), Ok(None));
    }

    #[test]
    fn room_that_was_taken_is_given_back() {
        let dict = SharedDict::new(1000);
        for round in 0..3 {
            dict.store(b"text", Some(text("hello")), &SET).0.unwrap();
            dict.store(b"text", Some(text("longer than before")), &SET).0.unwrap();
            dict.incr(b"number", 1.0, Some(0.0), None).unwrap();
            dict.push(b"list", text("a"), End::Left).unwrap();
            dict.push(b"list", Stored::Number(1.0), End::Right).unwrap();
            assert!(dict.free_space() < 500, "{round}");
            dict.pop(b"list", End::Left).unwrap();
            dict.pop(b"list", End::Left).unwrap();
            dict.store(b"text", None, &SET).0.unwrap();
            dict.store(b"number", None, &SET).0.unwrap();
            assert_eq!(dict.free_space(), 1000, "{round}");
        }
    }

    #[test]
    fn the_least_recently_used_makes_room() {
        let dict = SharedDict::new(3 * (ENTRY_SIZE + 2));
        for key in [b"a", b"b", b"c"] {
            assert_eq!(dict.store(key, Some(text("x")), &SET), (Ok(()), false));
        }
        dict.get(b"a", false).unwrap();
        assert_eq!(dict.store(b"d", Some(text("x")), &SET), (Ok(()), true));
        assert_eq!(dict.keys(0), [*b"c", *b"a", *b"d"].map(|key| Box::from(key.as_slice())));
        let safe = Storing { safe: true, ..SET };
        assert_eq!(dict.store(b"e", Some(text("x")), &safe), (Err(NO_MEMORY), false));
        assert_eq!(dict.push(b"e", text("x"), End::Left), Err(NO_MEMORY));
    }

    #[test]
    fn threads_lose_no_step() {
        let dict = SharedDict::new(1 << 20);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        dict.incr(b"n", 1.0, Some(0.0), None).unwrap();
                    }
                });
            }
        });
        assert_eq!(dict.incr(b"n", 0.0, None, None), Ok((4000.0, false)));
    }
}
