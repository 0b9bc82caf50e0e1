//! [`Slow`]: where a call is when it has taken long.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::Place;

/// When a call is slow, and where it was then. Times are nanoseconds.
#[derive(Debug)]
pub(super) struct Slow {
    /// How long the next run may take before the call is slow; [`NEVER`] where nobody wants to know.
    left: AtomicU64,
    /// When that is in the run that is under way.
    at: AtomicU64,
    place: Mutex<Option<Place>>,
}

const NEVER: u64 = u64::MAX;

impl Default for Slow {
    fn default() -> Self {
        Self { left: AtomicU64::new(NEVER), at: AtomicU64::new(NEVER), place: Mutex::default() }
    }
}

impl Slow {
    /// Says how long the next run may take.
    pub(super) fn watch(&self, left: u64) {
        // What a timer has left, which nobody asks about.
        *self.place.lock() = None;
        self.left.store(left, Ordering::Relaxed);
    }

    /// Begins a run.
    pub(super) fn begin(&self, now: u64) {
        self.at.store(now.saturating_add(self.left.load(Ordering::Relaxed)), Ordering::Relaxed);
    }

    pub(super) fn at(&self) -> u64 {
        self.at.load(Ordering::Relaxed)
    }

    /// Notes where the call is: once.
    #[cold]
    pub(super) fn note(&self, place: impl FnOnce() -> Place) {
        self.at.store(NEVER, Ordering::Relaxed);
        *self.place.lock() = Some(place());
    }

    pub(super) fn take(&self) -> Option<Place> {
        self.place.lock().take()
    }
}
