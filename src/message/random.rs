//! Random bits, for ids and boundaries.

use std::cell::RefCell;

/// The system's random bytes that a thread has in store: it is asked once for many ids.
struct Store {
    bytes: [u8; SIZE],
    used: usize,
}

const SIZE: usize = 32 * size_of::<u128>();

thread_local! {
    static STORE: RefCell<Store> = const { RefCell::new(Store { bytes: [0; SIZE], used: SIZE }) };
}

/// Bits that nobody can foresee.
///
/// # Panics
///
/// When the system has no random bytes, as the hash tables of `std` do.
pub(crate) fn bits() -> u128 {
    STORE.with_borrow_mut(Store::take)
}

impl Store {
    fn take(&mut self) -> u128 {
        if self.used == SIZE {
            getrandom::fill(&mut self.bytes).expect("the system has random bytes");
            self.used = 0;
        }
        let taken = &mut self.bytes[self.used..][..size_of::<u128>()];
        self.used += taken.len();
        let bits = u128::from_ne_bytes(taken.try_into().expect("as many bytes"));
        // What was given away is nobody's to read here.
        taken.fill(0);
        bits
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn bits_differ_within_a_thread_and_between_threads() {
        let own = || (0..100).map(|_| bits()).collect::<Vec<_>>();
        let others = std::thread::spawn(own).join().expect("it does not panic");
        let all: HashSet<_> = own().into_iter().chain(others).collect();
        assert_eq!(all.len(), 200);
    }
}
