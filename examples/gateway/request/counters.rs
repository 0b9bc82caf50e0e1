//! Counts of the whole process.

use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;

/// Counts of the whole process, for `/status`.
#[derive(Debug)]
pub(crate) struct Counters {
    accepted: AtomicU64,
    active: AtomicU64,
    /// By worker, so that none waits for another's cache.
    requests: Box<[CachePadded<AtomicU64>]>,
    lost: AtomicU64,
}

impl Default for Counters {
    /// Those of one worker.
    fn default() -> Self {
        Self::new(1)
    }
}

impl Counters {
    pub(crate) fn new(workers: usize) -> Self {
        let none = || CachePadded::new(AtomicU64::new(0));
        let (accepted, active, lost) = Default::default();
        Self { accepted, active, requests: (0..workers.max(1)).map(|_| none()).collect(), lost }
    }

    pub(crate) fn open(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.active.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn close(&self) {
        self.active.fetch_sub(1, Ordering::Relaxed);
    }

    /// A request has begun that a worker serves.
    pub(crate) fn begin(&self, worker: usize) {
        self.requests[worker % self.requests.len()].fetch_add(1, Ordering::Relaxed);
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
        let [accepted, active] =
            [&self.accepted, &self.active].map(|count| count.load(Ordering::Relaxed));
        let requests = self.requests.iter().map(|count| count.load(Ordering::Relaxed));
        [accepted, active, requests.sum()]
    }
}
