//! How many sockets there may be, and how much they may hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Net;

/// How many sockets there may be, and how much they may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Sockets that a VM may have open, those in its pools among them.
    pub(crate) sockets: usize,
    /// Sockets that a request may have open.
    pub(crate) sockets_per_request: usize,
    /// Bytes that a socket gathers for a function that does not say how many it wants.
    pub(crate) buffer: usize,
    /// Bytes that it gathers for one that does.
    pub(crate) body: usize,
    /// Bytes that all sockets of a VM gather.
    pub(crate) buffered: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sockets: 1024,
            sockets_per_request: 32,
            buffer: 1 << 20,
            body: 64 << 20,
            buffered: 128 << 20,
        }
    }
}

/// A number with a limit.
pub(super) struct Count {
    now: AtomicUsize,
    limit: usize,
}

impl Count {
    pub(super) const fn new(limit: usize) -> Self {
        Self { now: AtomicUsize::new(0), limit }
    }

    fn raise(&self, by: usize) -> bool {
        let raised = |now: usize| now.checked_add(by).filter(|sum| *sum <= self.limit);
        self.now.fetch_update(Ordering::Relaxed, Ordering::Relaxed, raised).is_ok()
    }

    fn lower(&self, by: usize) {
        self.now.fetch_sub(by, Ordering::Relaxed);
    }
}

/// An open socket's place among those of its VM.
pub(super) struct Ticket(Arc<Net>);

impl Ticket {
    /// `None` when the VM has as many as it may; connections that wait in pools make room.
    pub(super) fn new(net: &Arc<Net>) -> Option<Self> {
        while !net.open.raise(1) {
            // Outside of the lock: what is evicted counts itself out.
            let evicted = net.pools.lock().evict()?;
            drop(evicted);
        }
        net.reach.open.fetch_add(1, Ordering::Relaxed);
        Some(Self(Arc::clone(net)))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.open.lower(1);
        self.0.reach.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes that a socket gathers, beyond what is not worth counting.
pub(super) struct Gathered {
    net: Arc<Net>,
    counted: usize,
}

/// Bytes up to which nothing is counted, and in which it is counted then.
const PORTION: usize = 64 << 10;

impl Gathered {
    pub(super) fn new(net: &Arc<Net>) -> Self {
        Self { net: Arc::clone(net), counted: 0 }
    }

    /// Whether there may be `bytes`.
    pub(super) fn admits(&mut self, bytes: usize) -> bool {
        if bytes <= self.counted + PORTION {
            return true;
        }
        let more = (bytes - self.counted).next_multiple_of(PORTION);
        let admitted = self.net.buffered.raise(more);
        if admitted {
            self.counted += more;
        }
        admitted
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        self.net.buffered.lower(self.counted);
    }
}
