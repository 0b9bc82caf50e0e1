//! Which server of a cluster has a key, as far as that is known.

use std::sync::Arc;

use crc::{CRC_16_XMODEM, Crc};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::connection::Address;

/// What a cluster chooses the server by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Slot(u16);

impl Slot {
    /// The slot of a key: of what stands in its first braces, if anything does.
    ///
    /// Source: redis' cluster specification.
    pub(super) fn of(key: &str) -> Self {
        let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
        let hashed = tag.map_or(key, |(tag, _)| if tag.is_empty() { key } else { tag });
        Self(CRC.checksum(hashed.as_bytes()) % SLOTS)
    }
}

/// How many there are in each cluster.
const SLOTS: u16 = 16_384;

const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);

/// The servers of slots, as the cluster has named them.
#[derive(Default)]
pub(super) struct Slots(Mutex<FxHashMap<Slot, Arc<Address>>>);

impl Slots {
    pub(super) fn server(&self, slot: Slot) -> Option<Arc<Address>> {
        self.0.lock().get(&slot).cloned()
    }

    pub(super) fn note(&self, slot: Slot, server: &Arc<Address>) {
        self.0.lock().insert(slot, Arc::clone(server));
    }

    /// Forgets the server of a slot. Whether one was known.
    pub(super) fn forget(&self, slot: Slot) -> bool {
        self.0.lock().remove(&slot).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(Slot::of("123456789"), Slot(0x31C3));
        assert_eq!(Slot::of("foo"), Slot(12182));
    }

    #[test]
    fn what_stands_in_braces_decides() {
        assert_eq!(Slot::of("a{foo}b"), Slot::of("foo"));
        assert_eq!(Slot::of("{foo}{bar}"), Slot::of("foo"));
        assert_ne!(Slot::of("foo{}{bar}"), Slot::of("bar"));
    }
}
