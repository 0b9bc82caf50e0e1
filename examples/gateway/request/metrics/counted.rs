//! [`Counted`]: what has been counted, as long as there is something that it is of.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::collections::hash_map::Iter;
use std::hash::Hash;

use rustc_hash::FxBuildHasher;

/// Counters by what they are of. Now and then somebody has to say of what there are any more.
pub(super) struct Counted<K, V> {
    counters: HashMap<K, V, FxBuildHasher>,
    /// How many there may be before that: twice as many as were left the last time. So however many there are,
    /// to look through all of them costs each that has come the same.
    most: usize,
}

const FEWEST: usize = 256;

impl<K, V> Default for Counted<K, V> {
    fn default() -> Self {
        Self { counters: HashMap::default(), most: FEWEST }
    }
}

impl<K: Eq + Hash, V> Counted<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.counters.get(key)
    }

    /// Counts with the counters of `key`; where there are none, with those that `begin` makes. Whether there is so
    /// much now that what is gone should be [forgotten](Self::retain).
    pub(super) fn count<Q: Eq + Hash + ?Sized>(
        &mut self,
        key: &Q,
        begin: impl FnOnce() -> (K, V),
        count: impl FnOnce(&mut V),
    ) -> bool
    where
        K: Borrow<Q>,
    {
        if let Some(counters) = self.counters.get_mut(key) {
            count(counters);
            return false;
        }
        let (key, mut counters) = begin();
        count(&mut counters);
        self.counters.insert(key, counters);
        self.counters.len() > self.most
    }

    /// Forgets what is not there any more.
    pub(super) fn retain(&mut self, is_there: impl Fn(&K) -> bool) {
        self.counters.retain(|key, _| is_there(key));
        self.most = FEWEST.max(2 * self.counters.len());
    }
}

impl<'a, K, V> IntoIterator for &'a Counted<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.counters.iter()
    }
}
