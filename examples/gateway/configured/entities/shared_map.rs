//! [`SharedMap`]: a map of which copies cost little.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::FxHasher;

/// A map in parts, which copies share until one of them changes something there.
///
/// A copy takes as long as there are parts, a change as long as a part is large, and not as there are
/// entries. Keys that are UUIDs are in their order.
#[derive(Clone)]
pub(super) struct SharedMap<V> {
    parts: Vec<Arc<BTreeMap<Arc<str>, V>>>,
}

const PARTS: usize = 256;

impl<V> Default for SharedMap<V> {
    fn default() -> Self {
        Self { parts: vec![Arc::default(); PARTS] }
    }
}

impl<V: Clone> SharedMap<V> {
    pub(super) fn get(&self, key: &str) -> Option<&V> {
        self.parts[part_of(key)].get(key)
    }

    pub(super) fn insert(&mut self, key: Arc<str>, value: V) {
        Arc::make_mut(&mut self.parts[part_of(&key)]).insert(key, value);
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<V> {
        let part = &mut self.parts[part_of(key)];
        if part.contains_key(key) { Arc::make_mut(part).remove(key) } else { None }
    }

    pub(super) fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.parts.iter().flat_map(|part| part.values())
    }

    /// What stands under keys that begin with `prefix`, which is a UUID at least, in their order.
    pub(super) fn below(&self, prefix: String) -> impl Iterator<Item = &V> {
        let part = &self.parts[part_of(&prefix)];
        let start: Arc<str> = prefix.as_str().into();
        let from_start = part.range(start..);
        from_start.take_while(move |(key, _)| key.starts_with(&prefix)).map(|(_, value)| value)
    }
}

/// The first byte of a UUID, so that parts are in the order of what is in them; of other keys, any.
fn part_of(key: &str) -> usize {
    let first = key.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    first.map_or_else(|| spread(key), usize::from)
}

fn spread(key: &str) -> usize {
    let mut hasher = FxHasher::default();
    key.hash(&mut hasher);
    (hasher.finish() >> 32) as usize % PARTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_do_not_see_what_others_change() {
        let mut first: SharedMap<u32> = SharedMap::default();
        for (id, value) in [("f0", 3), ("0a", 1), ("0b", 2)] {
            first.insert(id.into(), value);
        }
        let mut second = first.clone();
        second.remove("0b");
        second.insert("name shop".into(), 4);
        assert_eq!(first.values().copied().collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!((second.get("0b"), second.get("name shop")), (None, Some(&4)));
        assert_eq!(first.get("name shop"), None);
    }

    #[test]
    fn what_has_a_prefix_in_common_is_found_in_order() {
        let mut map: SharedMap<u32> = SharedMap::default();
        for (key, value) in [("0a b", 2), ("0a a", 1), ("0ab a", 3), ("f0 a", 4)] {
            map.insert(key.into(), value);
        }
        assert_eq!(map.below("0a ".to_owned()).copied().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(map.below("0b ".to_owned()).count(), 0);
    }
}
