//! [`Lock`]: a mutex of VMs.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

/// A mutex that tells a thread which holds it already, where another would have it wait for itself: the body of a
/// request, or a module of the application's, may run functions while a function runs.
#[derive(Default)]
pub(super) struct Lock<T> {
    value: Mutex<T>,
    /// The number of the thread that holds it, or 0.
    holder: AtomicUsize,
}

/// The value of a [`Lock`].
pub(super) struct Guard<'a, T> {
    value: MutexGuard<'a, T>,
    holder: &'a AtomicUsize,
}

thread_local! {
    static THREAD: usize = {
        static THREADS: AtomicUsize = AtomicUsize::new(1);
        THREADS.fetch_add(1, Ordering::Relaxed)
    };
}

/// The number of this thread, from 1.
pub(super) fn thread() -> usize {
    THREAD.with(|thread| *thread)
}

/// What a thread gets that holds the lock.
#[cold]
pub(super) fn held_here() -> mlua::Error {
    mlua::Error::external(
        "the thread runs a function in this VM already: give the runtime more VMs, or another runtime to who runs \
         functions while a function runs, in the body of a request or in a module of the application's",
    )
}

impl<T> Lock<T> {
    pub(super) fn new(value: T) -> Self {
        Self { value: Mutex::new(value), holder: AtomicUsize::new(0) }
    }

    /// Waits until nobody holds it.
    ///
    /// # Errors
    ///
    /// When this thread does.
    pub(super) fn lock(&self) -> mlua::Result<Guard<'_, T>> {
        match self.try_lock() {
            Some(guard) => Ok(guard),
            None if self.is_held_here() => Err(held_here()),
            None => Ok(self.guard(self.value.lock())),
        }
    }

    pub(super) fn try_lock(&self) -> Option<Guard<'_, T>> {
        Some(self.guard(self.value.try_lock()?))
    }

    pub(super) fn try_lock_for(&self, time: Duration) -> Option<Guard<'_, T>> {
        Some(self.guard(self.value.try_lock_for(time)?))
    }

    /// Whether this thread holds it: what others have noted is not its number.
    pub(super) fn is_held_here(&self) -> bool {
        self.holder.load(Ordering::Relaxed) == thread()
    }

    fn guard<'a>(&'a self, value: MutexGuard<'a, T>) -> Guard<'a, T> {
        self.holder.store(thread(), Ordering::Relaxed);
        Guard { value, holder: &self.holder }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        // Before it is let go of.
        self.holder.store(0, Ordering::Relaxed);
    }
}
