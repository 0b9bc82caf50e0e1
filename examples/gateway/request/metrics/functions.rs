//! What is counted of Lua functions.

use std::array;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_utils::CachePadded;
use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;
use serde_json::{Map, Value, json};
use tower_lua::{Error, FunctionCall, FunctionOutcome, FunctionsId, Phase};

use super::counted::Counted;
use super::family::{Family, Kind, Labels, Point, count, labels};
use super::histogram::{Histogram, Histograms, SECONDS};
use crate::configured::entity::Plugin;
use crate::in_force::snapshot::Snapshot;

/// The numbers of functions, in a part for each thread, so that none waits for another.
pub(super) struct Functions {
    /// By the number of the thread that calls, modulo how many there are.
    threads: Vec<CachePadded<Mutex<Counted<FunctionsId, Set>>>>,
}

struct Set {
    name: Box<str>,
    functions: Vec<Function>,
}

/// In this order, and short, for one line of memory to have all that a short call counts.
#[repr(C, align(64))]
struct Function {
    plugin: tower_lua::Plugin,
    phase: Phase,
    index: u32,
    series: Series,
}

/// Plugin and phase, and the place among the functions of the phase.
pub(super) type Place = (&'static str, &'static str, usize);

/// Where a function is, as it is shown: the name of its set first.
type Shown<'a> = (&'a str, Place);

/// In this order, that what each call counts lies together.
#[derive(Clone, Default)]
#[repr(C)]
pub(super) struct Series {
    calls: u64,
    exits: u64,
    times: Histograms<2>,
    errors: [u64; ERRORS.len()],
}

// Places of times: from the beginning of a call to its end, with the time that it waits, and of the CPU.
const ELAPSED: usize = 0;
const CPU: usize = 1;

/// What functions fail with, as it is written.
const ERRORS: [&str; 5] = ["runtime", "timeout", "memory", "sandbox", "refused"];

thread_local! {
    /// The number of this thread.
    static THREAD: usize = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        THREADS.fetch_add(1, Ordering::Relaxed)
    };
}

impl Functions {
    pub(super) fn new(threads: usize) -> Self {
        Self { threads: (0..threads.max(1)).map(|_| CachePadded::default()).collect() }
    }

    /// Counts a call that has ended, or nothing for one that waits. Whether there are so many sets that
    /// some should be [forgotten](Self::forget).
    pub(super) fn called(&self, call: &FunctionCall<'_>) -> bool {
        if call.outcome == FunctionOutcome::Waited {
            return false;
        }
        let thread = THREAD.with(|thread| thread % self.threads.len());
        let mut sets = self.threads[thread].lock();
        // Room for one: most sets have no more, and a vector would begin with four.
        let begin = || {
            let set = Set { name: call.set.into(), functions: Vec::with_capacity(1) };
            (call.set_id, set)
        };
        sets.count(&call.set_id, begin, |set| set.series(call).add(call))
    }

    /// Forgets the functions of plugins that are there no more.
    pub(super) fn forget(&self, snapshot: &Snapshot) {
        let known = by_set(snapshot);
        for sets in &self.threads {
            sets.lock().retain(|id| known.contains_key(id));
        }
    }

    /// All that is known of functions, by name.
    pub(super) fn families(&self) -> Vec<Family> {
        let all = self.all();
        let mut shown: BTreeMap<Shown<'_>, Series> = BTreeMap::new();
        for ((name, _, place), series) in &all {
            shown.entry((name, *place)).or_default().join(series);
        }
        families_of(&shown)
    }

    /// The same for a program that draws charts: one object for each function.
    pub(super) fn list(&self, snapshot: &Snapshot) -> Value {
        let known = by_set(snapshot);
        let all = self.all();
        let list = all.iter().map(|((name, id, place), series)| {
            let plugin = known.get(id);
            let (plugin_name, phase, index) = place;
            let mut shown = series.shown();
            shown.extend(fields([
                ("plugin", plugin.map(|plugin| json!({ "id": plugin.id })).into()),
                ("plugin_name", (*plugin_name).into()),
                ("name", (**name).into()),
                ("phase", (*phase).into()),
                ("function", (*index).into()),
            ]));
            Value::Object(shown)
        });
        Value::Array(list.collect())
    }

    /// The numbers of the functions of one set.
    pub(super) fn of_set(&self, set: FunctionsId) -> BTreeMap<Place, Series> {
        let mut functions: BTreeMap<_, Series> = BTreeMap::new();
        for sets in &self.threads {
            for function in sets.lock().get(&set).iter().flat_map(|set| &set.functions) {
                functions.entry(function.place()).or_default().join(&function.series);
            }
        }
        functions
    }

    /// The numbers of all functions, of all threads together.
    fn all(&self) -> BTreeMap<(Box<str>, FunctionsId, Place), Series> {
        let mut all: BTreeMap<_, Series> = BTreeMap::new();
        for sets in &self.threads {
            for (id, set) in &*sets.lock() {
                for function in &set.functions {
                    let key = (set.name.clone(), *id, function.place());
                    all.entry(key).or_default().join(&function.series);
                }
            }
        }
        all
    }
}

impl Set {
    /// The numbers of the function that was called.
    fn series(&mut self, call: &FunctionCall<'_>) -> &mut Series {
        let &FunctionCall { plugin, phase, .. } = call;
        // There are as many as a request body has room for.
        let index = u32::try_from(call.index).unwrap_or(u32::MAX);
        let is_it = |known: &Function| {
            known.index == index && known.phase == phase && known.plugin == plugin
        };
        let at = self.functions.iter().position(is_it).unwrap_or_else(|| {
            self.functions.push(Function { plugin, phase, index, series: Series::default() });
            self.functions.len() - 1
        });
        &mut self.functions[at].series
    }
}

impl Function {
    fn place(&self) -> Place {
        (self.plugin.name(), self.phase.name(), self.index as usize)
    }
}

impl Series {
    fn add(&mut self, call: &FunctionCall<'_>) {
        self.calls += 1;
        self.times.add(ELAPSED, &SECONDS, call.elapsed);
        self.times.add(CPU, &SECONDS, call.cpu_time);
        match call.outcome {
            FunctionOutcome::Exited => self.exits += 1,
            FunctionOutcome::Failed => self.errors[call.error.map_or(0, kind_of)] += 1,
            _ => {}
        }
    }

    /// What has been counted since there was `earlier`.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(earlier.calls),
            exits: self.exits.saturating_sub(earlier.exits),
            errors: array::from_fn(|at| self.errors[at].saturating_sub(earlier.errors[at])),
            times: self.times.since(&earlier.times),
        }
    }

    /// The numbers as an object.
    pub(super) fn shown(&self) -> Map<String, Value> {
        let errors = fields(ERRORS.iter().zip(self.errors).map(|(kind, n)| (*kind, n.into())));
        fields([
            ("calls", self.calls.into()),
            ("exits", self.exits.into()),
            ("errors", errors.into()),
            ("wall_us", summary(&self.times.of(ELAPSED))),
            ("cpu_us", summary(&self.times.of(CPU))),
        ])
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.calls += other.calls;
        self.exits += other.exits;
        for (count, more) in self.errors.iter_mut().zip(other.errors) {
            *count += more;
        }
        self.times.join(&other.times);
    }
}

pub(super) fn fields<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Plugins by the sets of their functions.
fn by_set(snapshot: &Snapshot) -> HashMap<FunctionsId, &Plugin, FxBuildHasher> {
    let plugins = snapshot.plugins();
    plugins.flat_map(|(plugin, sets)| sets.into_iter().map(move |set| (set, plugin))).collect()
}

/// The place of an error's kind among [`ERRORS`].
fn kind_of(error: &Error) -> usize {
    let is = [
        error.is_runtime(),
        error.is_timeout(),
        error.is_memory(),
        error.is_sandbox(),
        error.is_refused(),
    ];
    is.iter().position(|is| *is).unwrap_or(0)
}

/// Microseconds that calls took.
fn summary(histogram: &Histogram) -> Value {
    let microseconds = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let quantile = |fraction| histogram.quantile(&SECONDS, fraction).map(microseconds);
    json!({
        "p50": quantile(0.5),
        "p99": quantile(0.99),
        "sum": microseconds(histogram.sum()),
    })
}

fn families_of(shown: &BTreeMap<Shown<'_>, Series>) -> Vec<Family> {
    let counter = |name, help| Family::new(name, Kind::Counter, help);
    let mut calls = counter("kong_lua_function_calls_total", "Calls of Lua functions");
    let mut exits =
        counter("kong_lua_function_exits_total", "Calls that ended their phase or request");
    let mut errors = counter("kong_lua_function_errors_total", "Calls that failed");
    let mut seconds = counter("kong_lua_function_seconds_total", "Time in which Lua ran");
    let histogram = |name, help| Family::new(name, Kind::Histogram, help);
    let mut elapsed = histogram(
        "kong_lua_function_duration_seconds",
        "From the beginning of a call to its end, with the time that it waited",
    );
    let mut cpu = histogram("kong_lua_function_cpu_seconds", "CPU time of calls");
    for (shown, series) in shown {
        let labels = labels_of(shown);
        calls.number(labels.clone(), count(series.calls));
        exits.number(labels.clone(), count(series.exits));
        for (kind, errors_of_kind) in ERRORS.iter().zip(series.errors) {
            let mut labels = labels.clone();
            labels.push(("kind", (*kind).to_owned()));
            errors.number(labels, count(errors_of_kind));
        }
        let of = |kind| series.times.of(kind);
        seconds.number(labels.clone(), of(CPU).sum().as_secs_f64());
        elapsed.points.push(Point { labels: labels.clone(), value: of(ELAPSED).value(&SECONDS) });
        cpu.points.push(Point { labels, value: of(CPU).value(&SECONDS) });
    }
    vec![calls, errors, exits, seconds, elapsed, cpu]
}

fn labels_of((name, (plugin, phase, index)): &Shown<'_>) -> Labels {
    let index = index.to_string();
    labels(&[("name", *name), ("plugin", *plugin), ("phase", *phase), ("index", &index)])
}
