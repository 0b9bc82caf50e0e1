//! [`Handle`]: the function set of a layer, from outside.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{Functions, Set};
use crate::phase::PhaseSet;

/// The function set of a layer, which can be replaced while requests fly.
///
/// A layer's services share its handle, however often the layer is cloned and applied. A request
/// that has begun keeps the set that it began with, in all its phases.
///
/// ```
/// use tower_lua::{Functions, PreFunctionLayer};
///
/// let (layer, handle) = PreFunctionLayer::reloadable(Functions::empty());
/// // … the layer is in use …
/// handle.reload(Functions::access("closed", "kong.response.exit(503)")?);
/// assert_eq!(handle.current().name(), "closed");
/// # Ok::<(), tower_lua::Error>(())
/// ```
#[derive(Clone)]
pub struct Handle {
    current: Arc<ArcSwap<Set>>,
}

impl Handle {
    pub(crate) fn new(functions: Functions) -> Self {
        Self { current: Arc::new(ArcSwap::new(functions.set)) }
    }

    /// Puts `functions` in the place of the current set, for all requests that begin from now on.
    pub fn reload(&self, functions: Functions) {
        self.current.store(functions.set);
    }

    /// The set for a request that begins now.
    #[must_use]
    pub fn current(&self) -> Functions {
        Functions { set: self.current.load_full() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.current.load().present == PhaseSet::NONE
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.current()).finish()
    }
}
