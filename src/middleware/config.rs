//! What a layer is made with: its functions, those of other layers, and where they run.

use std::fmt;
use std::sync::{Arc, OnceLock};

use http::request::Parts;

use super::exchange::Participant;
use super::response::ResponseForError;
use crate::function::{Functions, Handle};
use crate::phase::Plugin;
use crate::runtime::Runtime;

/// What a layer and all its services share.
#[derive(Clone)]
pub(super) struct Config {
    pub(super) plugin: Plugin,
    pub(super) source: Source,
    /// The other layer of a pair.
    pub(super) paired: Option<Arc<Config>>,
    /// The layer whose response phases run where this one's functions answer.
    pub(super) answers_for: Option<Arc<Config>>,
    /// The layer's own count of it: that of the runtime is one for all threads, which each request would have
    /// them wait for. The global one where there is none yet.
    pub(super) runtime: OnceLock<Arc<Runtime>>,
    pub(super) errors: Arc<dyn ResponseForError>,
}

/// Where the function set of a request comes from.
#[derive(Clone)]
pub(super) enum Source {
    Handle(Handle),
    Resolver(Arc<Resolver>),
}

impl Source {
    /// Whether it has no functions for any request.
    fn is_empty(&self) -> bool {
        matches!(self, Self::Handle(handle) if handle.is_empty())
    }
}

/// The participants of a layer and of its pair.
pub(super) type StandIns = (Participant, Option<Participant>);

type Resolver = dyn Fn(&Parts) -> Functions + Send + Sync;

impl Config {
    /// Whether there is nothing to run for any request.
    pub(super) fn is_idle(&self) -> bool {
        self.source.is_empty() && self.paired.as_ref().is_none_or(|pair| pair.source.is_empty())
    }

    /// The functions for a request, if there are any.
    pub(super) fn functions(&self, request: &Parts) -> Option<Functions> {
        let functions = match &self.source {
            Source::Handle(handle) => handle.current(),
            Source::Resolver(resolve) => resolve(request),
        };
        (!functions.is_empty()).then_some(functions)
    }

    /// The functions of the other layer of a pair, if there are any.
    pub(super) fn paired_functions(&self, request: &Parts) -> Option<(Functions, Plugin)> {
        let other = self.paired.as_ref()?;
        Some((other.functions(request)?, other.plugin))
    }

    /// Whose response phases run where functions of this layer answer.
    pub(super) fn stand_ins(&self, request: &Parts) -> Option<StandIns> {
        let other = self.answers_for.as_ref()?;
        let participant = |(functions, plugin)| Participant { functions, plugin };
        let functions = other.functions(request).unwrap_or_else(Functions::empty);
        let own = participant((functions, other.plugin));
        Some((own, other.paired_functions(request).map(participant)))
    }

    pub(super) fn runtime(&self) -> &Arc<Runtime> {
        self.runtime.get_or_init(|| Arc::new(Runtime::global().clone()))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut config = f.debug_struct("Config");
        config.field("plugin", &self.plugin.name());
        match &self.source {
            Source::Handle(handle) => config.field("functions", &handle.current()),
            Source::Resolver(_) => config.field("functions", &"resolver"),
        };
        config.finish_non_exhaustive()
    }
}
