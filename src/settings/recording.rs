//! [`Recording`]: what functions do, noted step by step, in runtimes that are made for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use super::FunctionOutcome;
use crate::clock;
use crate::error::{Failure, Site};
use crate::lua::Allocated;
use crate::phase::{Phase, Plugin};

/// What a function did, from its start to its end. One of `body_filter` has a step for each chunk.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// The plugin that the function belongs to.
    pub plugin: Plugin,
    /// The phase, or [`Phase::Timer`] for a function that another has started.
    pub phase: Phase,
    /// The name of the function set.
    pub set: String,
    /// The function's place among those of its phase, from 1.
    pub index: usize,
    /// What Lua calls the function's chunk: `@` and the path of a file, or the first 128 bytes of a text.
    pub chunk: Option<String>,
    /// What it called of the API, in the order in which it did.
    pub calls: Vec<Call>,
    /// How many calls more there were, which have not been noted.
    pub calls_left_out: usize,
    /// What it wrote to the log.
    pub logs: Vec<Log>,
    /// How it ended; [`FunctionOutcome::Waited`] if it was given up while it waited.
    pub outcome: FunctionOutcome,
    /// Why it failed.
    pub failure: Option<Failed>,
    /// How long it ran, by the clock on the wall.
    pub time: Duration,
    /// How much CPU time it took.
    pub cpu_time: Duration,
    /// How long it waited, by the clock of functions: nobody waits in a harness.
    pub waited: Duration,
    /// How many bytes of Lua's memory it took, as far as was seen: what is taken and freed within a few
    /// hundred instructions is not.
    pub allocated: u64,
    before: Seen,
    after: Seen,
}

/// A call of the API, `kong.request.get_path` for one, with values as Lua would write them, abbreviated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// What was called, `kong.cache:get`; a variable that was read, `ngx.var.uri`, or one that was set,
    /// `ngx.status =`.
    pub name: String,
    /// The arguments; `None` where a variable was read.
    pub arguments: Option<Vec<String>>,
    /// What it returned; `None` if it did not: it has ended the function, or raised an error.
    pub result: Option<Vec<String>>,
    /// The error that it raised.
    pub error: Option<String>,
}

/// Something of a request or a response that functions have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// `request`, as it is to go on, or `response`.
    pub message: &'static str,
    /// `method`, `path`, `query`, `header`, `body`; `target`, `upstream` and `scheme` of the service;
    /// `status`.
    pub part: &'static str,
    /// The name of a header.
    pub name: Option<String>,
    /// Its values before; none if it was not there.
    pub before: Vec<String>,
    /// Its values afterwards; none if it is not there any more.
    pub after: Vec<String>,
}

/// Why a function failed, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failed {
    /// Lua's message.
    pub message: String,
    /// Chunk and line.
    pub position: Option<(String, usize)>,
    /// Lua's stack.
    pub traceback: String,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Log {
    /// nginx's level: `err`, `warn`, `notice`, `info`, …
    pub level: String,
    /// The line, with what Kong or nginx writes before it.
    pub message: String,
}

impl Log {
    pub(crate) fn new(level: String, message: String) -> Self {
        Self { level, message }
    }
}

/// A part of a message: which message, which part, and the name of a header.
pub(crate) type Part = (&'static str, &'static str, Option<String>);

/// What functions can change, as it is at a moment.
pub(crate) type Seen = BTreeMap<Part, Vec<String>>;

/// The body of a request that was read and that nobody has changed.
pub(crate) const READ: &str = "read body";

/// What functions do, as a runtime that is made for it notes it.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    notes: Mutex<Notes>,
    chunks: Mutex<HashMap<(String, Phase, usize), String>>,
    pub(crate) allocated: Arc<Allocated>,
}

#[derive(Debug, Default)]
struct Notes {
    steps: Vec<Step>,
    /// The step of the function that runs.
    running: Option<usize>,
    /// When functions began to wait, by their steps.
    waiting: HashMap<usize, SystemTime>,
    /// Of each call by its number: the step, and its place there.
    calls: Vec<(usize, usize)>,
    /// How many bytes the values of calls have taken, and the errors that functions have caught.
    bytes: usize,
    /// What noting has cost in the stretch that runs.
    overhead: Duration,
}

/// How many functions are noted at most, how many calls, and how many bytes their values may have.
const MAX_STEPS: usize = 256;
const MAX_CALLS: usize = 2000;
const MAX_BYTES: usize = 1 << 20;

impl Recording {
    /// Notes what Lua calls the chunk of a function.
    pub(crate) fn name_chunk(&self, set: &str, phase: Phase, index: usize, name: &str) {
        self.chunks.lock().insert((set.to_owned(), phase, index), name.to_owned());
    }

    /// A function begins to run, or goes on that has waited; `seen` is what it finds, `used` how much
    /// memory there is in use.
    pub(crate) fn begin(&self, site: &Site, seen: Seen, used: usize) {
        self.allocated.begin(used);
        let mut notes = self.notes.lock();
        notes.overhead = Duration::ZERO;
        if let Some((step, since)) = notes.waiting_at(site) {
            notes.waiting.remove(&step);
            let waited = clock::now().duration_since(since).unwrap_or_default();
            notes.steps[step].waited += waited;
            notes.running = Some(step);
            return;
        }
        let is_full = notes.steps.len() >= MAX_STEPS;
        notes.running = (!is_full).then_some(notes.steps.len());
        if !is_full {
            let chunk = (site.set.to_string(), site.phase, site.index);
            let chunk = self.chunks.lock().get(&chunk).cloned();
            notes.steps.push(Step::new(site, chunk, seen));
        }
    }

    /// The function has ended or waits; it took `time` and `cpu_time`.
    pub(crate) fn end(
        &self,
        outcome: FunctionOutcome,
        failure: Option<&Failure>,
        seen: Seen,
        [time, cpu_time]: [Duration; 2],
    ) {
        let mut notes = self.notes.lock();
        let overhead = notes.overhead;
        let Some(place) = notes.running.take() else { return };
        if outcome == FunctionOutcome::Waited {
            notes.waiting.insert(place, clock::now());
        }
        let step = &mut notes.steps[place];
        step.time += time.saturating_sub(overhead);
        step.cpu_time += cpu_time.saturating_sub(overhead);
        step.allocated += self.allocated.sum();
        step.after = seen;
        step.outcome = outcome;
        if let Some(failure) = failure {
            let unsettled = |call: &&mut Call| call.result.is_none() && call.error.is_none();
            if let Some(call) = step.calls.iter_mut().rev().take(1).find(unsettled) {
                call.error = Some(failure.message.clone());
            }
            step.failure = Some(Failed {
                message: failure.message.clone(),
                position: failure.position.clone(),
                traceback: failure.traceback.clone(),
            });
        }
    }

    /// The function that runs calls something: the number of the call, if it is to be noted, with what
    /// `describe` makes of its arguments.
    pub(crate) fn call(
        &self,
        name: impl FnOnce() -> String,
        describe: impl FnOnce() -> Option<Vec<String>>,
    ) -> usize {
        let mut notes = self.notes.lock();
        let Some(step) = notes.running else { return 0 };
        if notes.calls.len() >= MAX_CALLS || notes.bytes >= MAX_BYTES {
            notes.steps[step].calls_left_out += 1;
            return 0;
        }
        let call = Call { name: name(), arguments: describe(), result: None, error: None };
        notes.bytes += call.name.len() + lengths(call.arguments.as_deref());
        let place = notes.steps[step].calls.len();
        notes.steps[step].calls.push(call);
        notes.calls.push((step, place));
        notes.calls.len()
    }

    /// The call of this number has returned.
    pub(crate) fn returned(&self, call: usize, describe: impl FnOnce() -> Vec<String>) {
        let mut notes = self.notes.lock();
        let Some((step, place)) = call.checked_sub(1).and_then(|at| notes.calls.get(at).copied())
        else {
            return;
        };
        let result = if notes.bytes < MAX_BYTES { describe() } else { vec!["…".to_owned()] };
        notes.bytes += lengths(Some(&result));
        notes.steps[step].calls[place].result = Some(result);
    }

    /// How many calls there have been.
    pub(crate) fn count(&self) -> usize {
        self.notes.lock().calls.len()
    }

    /// The function has caught an error of a call after the first `count`.
    pub(crate) fn caught(&self, count: usize, error: &str) {
        let mut notes = self.notes.lock();
        let Notes { steps, calls, bytes, .. } = &mut *notes;
        for (step, place) in calls.iter().skip(count) {
            let call = &mut steps[*step].calls[*place];
            if call.result.is_none() && call.error.is_none() {
                let error = if *bytes < MAX_BYTES { error } else { "…" };
                *bytes += error.len();
                call.error = Some(error.to_owned());
            }
        }
    }

    /// Notes a line of the log, if a function runs that can have written it.
    pub(crate) fn log(&self, log: &Log) {
        let mut notes = self.notes.lock();
        if let Some(step) = notes.running {
            notes.steps[step].logs.push(log.clone());
        }
    }

    /// Does `work` to note something, which is not the function's own work.
    pub(crate) fn apart<R>(&self, work: impl FnOnce() -> R) -> R {
        let began = std::time::Instant::now();
        let result = work();
        self.notes.lock().overhead += began.elapsed();
        result
    }

    /// All that was noted.
    pub(crate) fn take(&self) -> Vec<Step> {
        std::mem::take(&mut *self.notes.lock()).steps
    }
}

impl Notes {
    /// The step of a function that waits, and since when it does.
    fn waiting_at(&self, site: &Site) -> Option<(usize, SystemTime)> {
        let is_it = |step: &Step| {
            (step.plugin, step.phase, &*step.set, step.index)
                == (site.plugin, site.phase, &*site.set, site.index)
        };
        let mut waiting = self.waiting.iter().filter(|(step, _)| is_it(&self.steps[**step]));
        let (step, since) = waiting.next()?;
        Some((*step, *since))
    }
}

fn lengths(texts: Option<&[String]>) -> usize {
    texts.unwrap_or_default().iter().map(String::len).sum()
}

impl Step {
    fn new(site: &Site, chunk: Option<String>, seen: Seen) -> Self {
        Self {
            plugin: site.plugin,
            phase: site.phase,
            set: site.set.to_string(),
            index: site.index,
            chunk,
            calls: Vec::new(),
            calls_left_out: 0,
            logs: Vec::new(),
            outcome: FunctionOutcome::Waited,
            failure: None,
            time: Duration::ZERO,
            cpu_time: Duration::ZERO,
            waited: Duration::ZERO,
            allocated: 0,
            before: seen.clone(),
            after: seen,
        }
    }

    /// What the function has changed.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        Self::changes_of([self])
    }

    /// What functions have changed that ran one after the other, those of a phase for example: all of
    /// the chunks that a body has come in are one body.
    #[must_use]
    pub fn changes_of<'a>(steps: impl IntoIterator<Item = &'a Self>) -> Vec<Change> {
        let steps: Vec<&Self> = steps.into_iter().collect();
        let (Some(first), Some(last)) = (steps.first(), steps.last()) else { return Vec::new() };
        let (mut before, mut after) = (first.before.clone(), last.after.clone());
        if first.phase == Phase::BodyFilter {
            let chunk: Part = ("response", "body", None);
            let joined = |of: &Self, seen: fn(&Self) -> &Seen| {
                let same = steps.iter().filter(|step| step.is_same_function(of));
                let chunks = same.filter_map(|step| seen(step).get(&chunk));
                chunks.flatten().map(String::as_str).collect::<String>()
            };
            before.insert(chunk.clone(), vec![joined(first, |step| &step.before)]);
            after.insert(chunk.clone(), vec![joined(last, |step| &step.after)]);
        }
        changes(before, after)
    }

    fn is_same_function(&self, other: &Self) -> bool {
        (self.plugin, &self.set, self.index) == (other.plugin, &other.set, other.index)
    }
}

fn changes(mut before: Seen, mut after: Seen) -> Vec<Change> {
    // Who reads a body changes nothing.
    let read: Part = ("request", READ, None);
    let body: Part = ("request", "body", None);
    after.remove(&read);
    if let Some(read) = before.remove(&read)
        && after.contains_key(&body)
    {
        before.entry(body).or_insert(read);
    }
    let mut parts: Vec<Part> = before.keys().chain(after.keys()).cloned().collect();
    parts.sort();
    parts.dedup();
    let change = |part: Part| {
        let (was, is) = (before.remove(&part), after.remove(&part));
        let (message, kind, name) = part;
        (was != is).then(|| Change {
            message,
            part: kind,
            name,
            before: was.unwrap_or_default(),
            after: is.unwrap_or_default(),
        })
    };
    parts.into_iter().filter_map(change).collect()
}
