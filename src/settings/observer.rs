//! [`FunctionCall`]: what an observer is told of the functions that run.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{FunctionsId, Site};
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
    /// How long it took, by the clock on the wall.
    pub time: Duration,
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

    pub(crate) fn observe(&self, site: &Site, outcome: FunctionOutcome, time: Duration) {
        let Site { plugin, phase, ref set, id: set_id, index } = *site;
        (self.0)(&FunctionCall { set, set_id, plugin, phase, index, outcome, time });
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
