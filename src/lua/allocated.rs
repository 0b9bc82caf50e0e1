//! [`Allocated`]: how much memory functions have taken, for who records what they do.

use std::sync::atomic::{AtomicU64, Ordering};

/// How much memory functions have taken, in bytes: each time that somebody looks, by how much there is
/// more of it in use. What is taken and freed between two looks is not seen.
#[derive(Debug, Default)]
pub(crate) struct Allocated {
    last: AtomicU64,
    sum: AtomicU64,
}

impl Allocated {
    /// Begins to count, where `used` bytes are in use.
    pub(crate) fn begin(&self, used: usize) {
        self.last.store(used as u64, Ordering::Relaxed);
        self.sum.store(0, Ordering::Relaxed);
    }

    /// Looks at how much is in use.
    pub(crate) fn look(&self, used: usize) {
        let last = self.last.swap(used as u64, Ordering::Relaxed);
        self.sum.fetch_add((used as u64).saturating_sub(last), Ordering::Relaxed);
    }

    /// What was taken since it began.
    pub(crate) fn sum(&self) -> u64 {
        self.sum.load(Ordering::Relaxed)
    }
}
