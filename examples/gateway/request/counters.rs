//! Counts of the whole process.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of the whole process, for `/status`.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    accepted: AtomicU64,
    active: AtomicU64,
    requests: AtomicU64,
    lost: AtomicU64,
}

impl Counters {
    pub(crate) fn open(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.active.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn close(&self) {
        self.active.fetch_sub(1, Ordering::Relaxed);
    }

    /// A request has begun.
    pub(crate) fn begin(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Entries of logs, or spans, are lost that nobody could be given.
    pub(crate) fn lose(&self, count: u64) {
        self.lost.fetch_add(count, Ordering::Relaxed);
    }

    /// How many were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Connections that were ever accepted, those that are open, and requests that have begun.
    pub(crate) fn read(&self) -> [u64; 3] {
        [&self.accepted, &self.active, &self.requests].map(|count| count.load(Ordering::Relaxed))
    }
}
