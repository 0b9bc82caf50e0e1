//! [`Coverage`]: which lines of functions have run, for tests.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use mlua::debug::Debug;
use parking_lot::Mutex;

/// Which lines of functions have run, in the harnesses that it was given to. A line that calls others is
/// counted again when they return.
///
/// ```
/// use tower_lua::testing::{Coverage, Harness};
///
/// let coverage = Coverage::default();
/// let source = "local a = 1\nif a == 2 then\n  kong.log(a)\nend";
/// let mut harness = Harness::builder().access(source).coverage(&coverage).build()?;
/// harness.request(http::Request::default());
/// let lines = &coverage.lines()[source];
/// assert_eq!((lines.get(&2), lines.get(&3)), (Some(&1), None));
/// # Ok::<(), tower_lua::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    chunks: Arc<Mutex<BTreeMap<String, Lines>>>,
}

/// How often each line has run, by its number from 1.
type Lines = BTreeMap<usize, u64>;

thread_local! {
    static CURRENT: RefCell<Option<Coverage>> = const { RefCell::new(None) };
}

impl Coverage {
    /// How often lines have run, by what a function's chunk is called: `@` and the path of a file, or the
    /// first 128 bytes of a text.
    #[must_use]
    pub fn lines(&self) -> BTreeMap<String, BTreeMap<usize, u64>> {
        self.chunks.lock().clone()
    }

    /// Has VMs that `make` makes on this thread watched.
    pub(crate) fn watch<R>(coverage: Option<Self>, make: impl FnOnce() -> R) -> R {
        CURRENT.set(coverage);
        let made = make();
        CURRENT.set(None);
        made
    }

    /// Who watches VMs that are made on this thread.
    pub(super) fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Notes that a line has run.
    pub(super) fn note(&self, debug: &Debug<'_>) {
        let source = debug.source();
        let (Some(chunk), Some(line)) = (source.source, debug.current_line()) else { return };
        let mut chunks = self.chunks.lock();
        if !chunks.contains_key(&*chunk) {
            chunks.insert(chunk.to_string(), Lines::new());
        }
        if let Some(lines) = chunks.get_mut(&*chunk) {
            *lines.entry(line).or_default() += 1;
        }
    }
}
