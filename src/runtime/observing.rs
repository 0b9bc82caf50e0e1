//! Who is told of calls of functions, and of those that fail.

use std::time::Duration;

use super::RuntimeBuilder;
use crate::error::Error;
use crate::settings::{FunctionCall, Observer};

impl RuntimeBuilder {
    /// Has `observe` told of each call of a function: for metrics, say. It runs while the VM is
    /// held, and should be quick.
    ///
    /// Without one, nothing is measured.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use tower_lua::{FunctionOutcome, Runtime};
    ///
    /// static FAILURES: AtomicU64 = AtomicU64::new(0);
    ///
    /// let runtime = Runtime::builder()
    ///     .observer(|call| {
    ///         if call.outcome == FunctionOutcome::Failed {
    ///             FAILURES.fetch_add(1, Ordering::Relaxed);
    ///         }
    ///     })
    ///     .build()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn observer(mut self, observe: impl Fn(&FunctionCall<'_>) + Send + Sync + 'static) -> Self {
        self.settings.observer = Some(Observer::new(observe));
        self
    }

    /// Has `tell` told of each failure of a function, before it is logged: for a list of the last ones,
    /// say. It should be quick.
    ///
    /// ```
    /// use tower_lua::Runtime;
    ///
    /// let runtime = Runtime::builder()
    ///     .failed(|error| {
    ///         let (set, id) = (error.function_set(), error.request_id());
    ///         println!("{set:?} has failed for the request {id:?}: {:?}", error.lua_message());
    ///     })
    ///     .build()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn failed(mut self, tell: impl Fn(&Error) + Send + Sync + 'static) -> Self {
        self.settings.failed = Some(Box::new(tell));
        self
    }

    /// Has calls logged that take `time` or more from their beginning to their end, with the time that they
    /// wait: an event of [`tracing`] of the level `WARN` and the target `tower_lua::slow`, with the field
    /// `traceback` for where the function was when the time was over. Of one that waited then, that is
    /// where it waited. Timers are not logged: nobody waits for them.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_lua::Runtime;
    ///
    /// let runtime = Runtime::builder().slow_function(Duration::from_millis(50)).build()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn slow_function(mut self, time: Duration) -> Self {
        self.settings.slow_function = Some(time);
        self
    }
}
