//! What functions do when no request waits for them: tasks of their own, which are counted.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// The tasks of a runtime's functions.
pub(crate) struct Background {
    /// How many there are, by VM.
    counts: Mutex<Vec<Counts>>,
    /// How many there are in all.
    total: watch::Sender<usize>,
    /// How many there may be in a VM, by kind.
    limits: Counts,
    /// Whether the server is about to end.
    exiting: watch::Sender<bool>,
}

/// What a task is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A function of the `log` phase runs on.
    Log,
    /// A function runs on that has ended its response.
    Ended,
    /// A timer that has not expired.
    PendingTimer,
    /// A timer whose function runs.
    RunningTimer,
}

/// How many there are in a VM, by kind.
type Counts = [usize; 4];

/// For timers, the limits are those of nginx.
const LIMITS: Counts = [1024, 1024, 1024, 256];

/// Why a task cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There are as many as there may be.
    TooMany(usize),
    /// There is no tokio runtime to run it.
    NoRuntime,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany(limit) => write!(f, "there are {limit} of its kind already"),
            Self::NoRuntime => f.write_str("no tokio runtime is there to run it on"),
        }
    }
}

/// A task, as long as it counts.
pub(crate) struct Place {
    background: Arc<Background>,
    kind: Kind,
    vm: usize,
}

impl Background {
    pub(crate) fn new() -> Self {
        Self {
            counts: Mutex::default(),
            total: watch::Sender::new(0),
            limits: LIMITS,
            exiting: watch::Sender::new(false),
        }
    }

    pub(crate) fn set_limit(&mut self, kind: Kind, limit: usize) {
        self.limits[kind as usize] = limit;
    }

    /// How many there are in a VM.
    pub(crate) fn count(&self, kind: Kind, vm: usize) -> usize {
        self.counts.lock().get(vm).map_or(0, |counts| counts[kind as usize])
    }

    /// How many there are in all VMs.
    pub(crate) fn total(&self, kind: Kind) -> usize {
        self.counts.lock().iter().map(|counts| counts[kind as usize]).sum()
    }

    /// Whether the server is about to end.
    pub(crate) fn is_exiting(&self) -> bool {
        *self.exiting.borrow()
    }

    /// Waits until the server is about to end.
    pub(crate) async fn exiting(&self) {
        // Never an error: the sender is here.
        let _ = self.exiting.subscribe().wait_for(|is_exiting| *is_exiting).await;
    }

    /// Counts a task in, unless there are too many of its kind.
    pub(crate) fn enter(self: &Arc<Self>, kind: Kind, vm: usize) -> Result<Place, Refused> {
        let mut counts = self.counts.lock();
        if counts.len() <= vm {
            counts.resize(vm + 1, Counts::default());
        }
        let (count, limit) = (&mut counts[vm][kind as usize], self.limits[kind as usize]);
        if *count >= limit {
            return Err(Refused::TooMany(limit));
        }
        *count += 1;
        drop(counts);
        self.total.send_modify(|total| *total += 1);
        Ok(Place { background: Arc::clone(self), kind, vm })
    }

    /// Has `work` done by a task of its own.
    pub(crate) fn spawn(
        self: &Arc<Self>,
        kind: Kind,
        vm: usize,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Refused> {
        let handle = Handle::try_current().map_err(|_| Refused::NoRuntime)?;
        let place = self.enter(kind, vm)?;
        handle.spawn(async move {
            let _counted = place;
            work.await;
        });
        Ok(())
    }

    /// Says that the server is about to end, and waits until all tasks have ended.
    pub(crate) async fn drain(&self) {
        self.exiting.send_replace(true);
        let _ = self.total.subscribe().wait_for(|total| *total == 0).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(counts) = self.background.counts.lock().get_mut(self.vm) {
            counts[self.kind as usize] -= 1;
        }
        self.background.total.send_modify(|total| *total -= 1);
    }
}
