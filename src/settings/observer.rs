//! [`FunctionCall`]: what an observer is told of the functions that run.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{Error, FunctionsId, Site};
use crate::phase::{Phase, Plugin};

/// A stretch in which a Lua function ran: from its start, or from where it had waited, to its end or
/// to where it waits. [`RuntimeBuilder::observer`](crate::RuntimeBuilder::observer) is told of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct FunctionCall<'a> {
    /// The name of the function set.
    pub set: &'a str,
    /// Which set it is.
    pub set_id: FunctionsId,
    /// The plugin that the set belongs to.
    pub plugin: Plugin,
    /// The phase.
    pub phase: Phase,
    /// The function's place among those of its phase, from 1.
    pub index: usize,
    /// How the stretch ended.
    pub outcome: FunctionOutcome,
    /// What it failed with, if it did.
    pub error: Option<&'a Error>,
    /// How long it took, by the clock on the wall.
    pub time: Duration,
    /// How long the whole call has taken so far, with the time that it has waited.
    pub elapsed: Duration,
    /// How much CPU time the whole call has taken so far. A stretch below a millisecond counts by the
    /// clock on the wall, since a CPU's clock takes a system call.
    pub cpu_time: Duration,
}

/// How long a call has taken so far.
#[derive(Clone, Copy)]
pub(crate) struct CallTime {
    began: Instant,
    /// Until the end of its last stretch.
    elapsed: Duration,
    cpu: Duration,
}

impl CallTime {
    /// That of a call which begins now.
    pub(crate) fn begin() -> Self {
        Self::since(Instant::now())
    }

    /// That of a call which began at `began`.
    pub(crate) const fn since(began: Instant) -> Self {
        Self { began, elapsed: Duration::ZERO, cpu: Duration::ZERO }
    }

    /// Until the end of its last stretch.
    pub(crate) const fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Until `now`.
    pub(crate) fn elapsed_at(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.began)
    }

    pub(crate) const fn cpu(&self) -> Duration {
        self.cpu
    }

    /// Adds a stretch that has ended `now` and took so much CPU time.
    pub(crate) fn add(&mut self, now: Instant, cpu: Duration) {
        self.elapsed = self.elapsed_at(now);
        self.cpu += cpu;
    }
}

/// How a stretch of a [`FunctionCall`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FunctionOutcome {
    /// The function returned.
    Returned,
    /// It ended its phase or the request, as `kong.response.exit` does.
    Exited,
    /// It raised an error, or ran out of its budget.
    Failed,
    /// It waits for something, and will run on.
    Waited,
}

/// Who is told of each call.
#[derive(Clone)]
pub(crate) struct Observer(Arc<dyn Fn(&FunctionCall<'_>) + Send + Sync>);

impl Observer {
    pub(crate) fn new(observe: impl Fn(&FunctionCall<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observe))
    }

    /// Tells of a stretch of a call that took `time`; `call` has it already.
    pub(crate) fn observe(
        &self,
        site: &Site,
        outcome: FunctionOutcome,
        error: Option<&Error>,
        time: Duration,
        call: &CallTime,
    ) {
        let Site { plugin, phase, ref set, id: set_id, index } = *site;
        let (elapsed, cpu_time) = (call.elapsed, call.cpu);
        (self.0)(&FunctionCall {
            set,
            set_id,
            plugin,
            phase,
            index,
            outcome,
            error,
            time,
            elapsed,
            cpu_time,
        });
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
