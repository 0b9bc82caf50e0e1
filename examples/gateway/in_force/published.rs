//! [`Published`]: what is in force now.
//!
//! A change makes a new [`Snapshot`] beside the one that is in force, of what has changed and what is
//! there already, and then puts it in its place. A request keeps the one that it began with.

use std::ops::Deref;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use tokio::sync::watch;
use tower_lua::Runtime;

use crate::BoxError;
use crate::configured::entities::{State, Step};
use crate::in_force::change::Change;
use crate::in_force::plugins::Between;
use crate::in_force::snapshot::Snapshot;

/// The snapshot in force, for whoever only looks.
#[derive(Clone)]
pub(crate) struct Current(Arc<ArcSwap<Snapshot>>);

/// What is in force: one snapshot after the other.
#[derive(Clone)]
pub(crate) struct Published {
    current: Current,
    runtime: Runtime,
    between: Between,
    changed: watch::Sender<()>,
}

/// What is in force, for the requests of one worker.
///
/// Each of them counts itself up and down where it keeps the snapshot. Were that one place for all workers, each
/// would wait for the others' caches, twice a request.
pub(crate) struct OfWorker {
    published: Published,
    /// The last one, and whether there is another.
    seen: Mutex<(Arc<Kept>, watch::Receiver<()>)>,
}

/// A snapshot that requests of one worker keep.
pub(crate) struct Kept(Arc<Snapshot>);

impl Deref for Kept {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.0
    }
}

impl Default for Current {
    /// Nothing is in force yet: no route for any request.
    fn default() -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Snapshot::empty())))
    }
}

impl Current {
    /// What is in force at this moment.
    pub(crate) fn load(&self) -> Guard<Arc<Snapshot>> {
        self.0.load()
    }
}

impl Published {
    /// Puts in force what those see who have `current`. Functions are to run in `runtime`; `between`
    /// makes the other plugins.
    pub(crate) fn new(current: Current, runtime: Runtime, between: Between) -> Self {
        Self { current, runtime, between, changed: watch::Sender::default() }
    }

    /// What is in force now.
    pub(crate) fn current(&self) -> Arc<Snapshot> {
        self.current.0.load_full()
    }

    /// Makes a snapshot of `state`, to which `steps` lead from what is in force. What is unchanged
    /// keeps its state: the variables of functions, the counters of limits.
    ///
    /// # Errors
    ///
    /// When functions do not compile or another plugin refuses its configuration, when a route has
    /// something that is no regular expression.
    pub(crate) fn check(&self, state: &State, steps: &[Step]) -> Result<Snapshot, BoxError> {
        let before = self.current();
        Change { before: &before, state, runtime: &self.runtime, between: &self.between }
            .make(steps)
    }

    /// Puts `snapshot` in force, for every request that begins from now on.
    pub(crate) fn publish(&self, snapshot: Snapshot) {
        self.current.0.store(Arc::new(snapshot));
        self.changed.send_replace(());
    }

    /// Sees whenever something else is in force.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

impl OfWorker {
    pub(crate) fn new(published: Published) -> Self {
        // In this order: another may come meanwhile.
        let changes = published.changes();
        let kept = Arc::new(Kept(published.current()));
        Self { published, seen: Mutex::new((kept, changes)) }
    }

    /// What is in force now.
    pub(crate) fn current(&self) -> Arc<Kept> {
        let (kept, changes) = &mut *self.seen.lock();
        if changes.has_changed().unwrap_or(true) {
            changes.mark_unchanged();
            *kept = Arc::new(Kept(self.published.current()));
        }
        Arc::clone(kept)
    }

    /// Lets go of what is in force no more, though there is no request.
    pub(crate) async fn follow(&self) {
        let mut changes = self.published.changes();
        while changes.changed().await.is_ok() {
            self.current();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published() -> Published {
        let between: Between = Arc::new(|_, _, _| Err("there are no others".into()));
        Published::new(Current::default(), Runtime::builder().build().unwrap(), between)
    }

    #[test]
    fn a_worker_sees_a_change_at_once() {
        let published = published();
        let of_worker = OfWorker::new(published.clone());
        for _ in 0..3 {
            assert!(Arc::ptr_eq(&of_worker.current().0, &published.current()));
            published.publish(Snapshot::empty());
        }
    }

    #[tokio::test]
    async fn a_worker_without_requests_lets_go_of_what_is_in_force_no_more() {
        let published = published();
        let of_worker = OfWorker::new(published.clone());
        let before = Arc::downgrade(&published.current());
        let following = tokio::spawn(async move { of_worker.follow().await });
        tokio::task::yield_now().await;
        published.publish(Snapshot::empty());
        tokio::task::yield_now().await;
        assert!(before.upgrade().is_none());
        following.abort();
    }
}
