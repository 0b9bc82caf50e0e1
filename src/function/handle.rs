//! [`Handle`]: the function set of a layer, from outside.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;

use super::{Functions, Set};

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
    current: Arc<Current>,
}

struct Current {
    set: ArcSwapOption<Set>,
    /// Whether there is nothing in the set: what each request asks.
    is_empty: AtomicBool,
    /// Held while the two above change.
    reload: Mutex<()>,
}

impl Handle {
    pub(crate) fn new(functions: Functions) -> Self {
        let is_empty = AtomicBool::new(functions.is_empty());
        let set = ArcSwapOption::new(functions.set);
        Self { current: Arc::new(Current { set, is_empty, reload: Mutex::new(()) }) }
    }

    /// Puts `functions` in the place of the current set, for all requests that begin from now on.
    pub fn reload(&self, functions: Functions) {
        let Current { set, is_empty, reload } = &*self.current;
        let _alone = reload.lock();
        let has_none = functions.is_empty();
        set.store(functions.set);
        is_empty.store(has_none, Ordering::Relaxed);
    }

    /// The set for a request that begins now.
    #[must_use]
    pub fn current(&self) -> Functions {
        Functions { set: self.current.set.load_full() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.current.is_empty.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.current()).finish()
    }
}
