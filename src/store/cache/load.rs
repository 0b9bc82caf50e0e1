//! One loader for a key at a time: the others wait.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::{Cache, Key};

/// After what time a loader is given up, and another may try: Kong's `exptime` of its locks.
const OVERDUE: Duration = Duration::from_secs(10);

/// Somebody loads a value, and others wait for it.
pub(crate) struct Load {
    began: Instant,
    state: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    is_over: bool,
    wakers: Vec<Waker>,
}

/// Being the one who loads the value of a key. Dropping it frees the key.
pub(crate) struct Loading {
    cache: Arc<Cache>,
    key: Key,
    load: Arc<Load>,
}

/// Somebody who waits for a load to be over.
pub(crate) struct Waiter {
    load: Arc<Load>,
    /// Its place among the wakers.
    place: Option<usize>,
}

impl Load {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), state: Mutex::default() }
    }

    pub(super) fn is_overdue(&self) -> bool {
        self.began.elapsed() > OVERDUE
    }

    pub(super) fn finish(&self) {
        let mut state = self.state.lock();
        state.is_over = true;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Loading {
    pub(super) fn new(cache: Arc<Cache>, key: Key, load: Arc<Load>) -> Self {
        Self { cache, key, load }
    }

    pub(crate) fn is_of(&self, key: &[u8]) -> bool {
        *self.key == *key
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.cache.release(&self.key, &self.load);
    }
}

impl Waiter {
    pub(crate) fn new(load: Arc<Load>) -> Self {
        Self { load, place: None }
    }
}

impl Future for Waiter {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let load = Arc::clone(&self.load);
        let mut state = load.state.lock();
        if state.is_over {
            return Poll::Ready(());
        }
        match self.place {
            Some(place) => state.wakers[place].clone_from(cx.waker()),
            None => {
                self.place = Some(state.wakers.len());
                state.wakers.push(cx.waker().clone());
            }
        }
        Poll::Pending
    }
}
