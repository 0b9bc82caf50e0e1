//! Where functions spend their time: stacks that the hook of the budget takes now and then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use mlua::Lua;
use parking_lot::Mutex;

use super::PRELUDE_NAME;
use super::meter::Meter;

/// Where the functions of a runtime have spent their time for a while, by line. The whole is what flame
/// graphs are made of: [`Runtime::profile`](crate::Runtime::profile).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    stacks: BTreeMap<String, Duration>,
}

impl Profile {
    /// The time that each stack has taken. Its frames are joined by `;`, the outermost first: the name of
    /// the function set, phase and place of the function, and then functions of Lua with their lines.
    pub fn stacks(&self) -> impl Iterator<Item = (&str, Duration)> {
        self.stacks.iter().map(|(stack, time)| (stack.as_str(), *time))
    }

    /// The same as text, a line for each stack and its microseconds: what `flamegraph.pl`, `inferno` and
    /// speedscope read.
    #[must_use]
    pub fn folded(&self) -> String {
        let lines =
            self.stacks.iter().map(|(stack, time)| format!("{stack} {}\n", time.as_micros()));
        lines.collect()
    }
}

/// What the VMs of a runtime share of a profile.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    is_on: AtomicBool,
    profile: Mutex<Profile>,
}

/// A profile that is being made, until this is dropped.
pub(crate) struct Sampling(Arc<Sampler>);

impl Sampler {
    /// Begins a profile, unless one is being made already.
    pub(crate) fn begin(self: &Arc<Self>) -> Option<Sampling> {
        let was_on = self.is_on.swap(true, Ordering::Relaxed);
        (!was_on).then(|| Sampling(Arc::clone(self)))
    }

    fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }
}

impl Sampling {
    /// Ends it.
    pub(crate) fn end(self) -> Profile {
        std::mem::take(&mut *self.0.profile.lock())
    }
}

impl Drop for Sampling {
    fn drop(&mut self) {
        self.0.is_on.store(false, Ordering::Relaxed);
        self.0.profile.lock().stacks.clear();
    }
}

/// The samples of a VM.
#[derive(Debug)]
pub(crate) struct Samples {
    sampler: Arc<Sampler>,
    /// How much time has passed in runs since the last was taken, in nanoseconds.
    passed: AtomicU64,
    /// Those of the run that is under way.
    taken: Mutex<Vec<(String, u64)>>,
    has_some: AtomicBool,
}

/// How many nanoseconds pass in runs between two samples.
const INTERVAL: u64 = 100_000;

/// How many pass between two calls of the hook, where the clock does not say.
const BETWEEN: u64 = 1_000;

/// The most frames of a stack, and stacks of a profile.
const MAX_FRAMES: usize = 64;
const MAX_STACKS: usize = 10_000;

impl Samples {
    pub(crate) fn new(sampler: Arc<Sampler>) -> Self {
        let (passed, taken) = (AtomicU64::new(0), Mutex::default());
        Self { sampler, passed, taken, has_some: AtomicBool::new(false) }
    }

    /// Takes a sample of what runs, if it is time for one.
    pub(super) fn look(&self, lua: &Lua, meter: &Meter) {
        if self.sampler.is_on() {
            self.take(lua, meter);
        }
    }

    #[cold]
    fn take(&self, lua: &Lua, meter: &Meter) {
        let Some(since) = meter.since_look() else { return };
        let passed = self.passed.load(Ordering::Relaxed) + since.max(BETWEEN);
        if passed < INTERVAL {
            return self.passed.store(passed, Ordering::Relaxed);
        }
        self.passed.store(0, Ordering::Relaxed);
        self.taken.lock().push((stack(lua), passed));
        self.has_some.store(true, Ordering::Relaxed);
    }

    /// Whether the last run has left any.
    pub(crate) fn has_some(&self) -> bool {
        self.has_some.load(Ordering::Relaxed)
    }

    /// Adds those of the last run, which `function` was in, to the profile.
    #[cold]
    pub(crate) fn flush(&self, function: &str) {
        self.has_some.store(false, Ordering::Relaxed);
        let taken = std::mem::take(&mut *self.taken.lock());
        if !self.sampler.is_on() {
            return;
        }
        let stacks = &mut self.sampler.profile.lock().stacks;
        for (stack, nanoseconds) in taken {
            let stack = format!("{}{stack}", frame(function));
            if stacks.len() < MAX_STACKS || stacks.contains_key(&stack) {
                *stacks.entry(stack).or_default() += Duration::from_nanos(nanoseconds);
            }
        }
    }
}

/// The functions of Lua that run, with their lines, the outermost first; a `;` before each.
fn stack(lua: &Lua) -> String {
    let frames = (0..MAX_FRAMES).map_while(|level| {
        lua.inspect_stack(level, |frame| {
            let chunk = frame.source().short_src?;
            let line = frame.current_line()?;
            let name = frame.names().name.map(|name| format!("{name} "));
            (chunk != PRELUDE_NAME).then(|| (name, format!("{chunk}:{line}")))
        })
    });
    let mut frames: Vec<_> = frames.flatten().collect();
    // What the function itself is called is the prelude's.
    if let Some((name, _)) = frames.last_mut() {
        *name = None;
    }
    let frames = frames.iter().rev();
    frames
        .map(|(name, at)| format!(";{}", frame(&(name.clone().unwrap_or_default() + at))))
        .collect()
}

/// A frame without what would end it.
fn frame(text: &str) -> String {
    text.replace([';', '\n'], " ")
}
