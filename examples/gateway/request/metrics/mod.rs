//! Numbers for Prometheus, under the names that Kong gives them.
//!
//! By hand, because a request is counted at 0.2 µs here and at 2.1 µs in the families of
//! prometheus-client, whose numbers all workers share, and which writes the newer text format alone.

mod text;
mod upstreams;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;
use tower_lua::{FunctionCall, FunctionOutcome, Runtime};

use self::text::{head, sample};
use crate::in_force::published::Current;
use crate::in_force::snapshot::RouteInForce;
use crate::request::counters::Counters;

/// What was counted, in a part for each worker, so that none waits for another.
pub(crate) struct Metrics {
    workers: Vec<Mutex<Worker>>,
    /// By the number of the thread that calls, modulo how many there are.
    functions: Vec<Mutex<Functions>>,
}

/// Calls by the name of the set: plugin, phase and place of each function, and its numbers.
type Functions = HashMap<String, Vec<(Place, FunctionSeries)>, FxBuildHasher>;

/// Plugin and phase, and the place among the functions of the phase.
type Place = (&'static str, &'static str, usize);

thread_local! {
    /// The number of this thread.
    static THREAD: usize = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        THREADS.fetch_add(1, Ordering::Relaxed)
    };
}

type Worker = HashMap<Key, Series, FxBuildHasher>;

/// What a request counts for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    service: Arc<str>,
    route: Arc<str>,
    /// Where a plugin asks for it.
    consumer: Option<Arc<str>>,
    status: u16,
}

#[derive(Clone, Default)]
struct Series {
    requests: u64,
    bytes: u64,
    request: Histogram,
    upstream: Histogram,
    kong: Histogram,
}

/// Kong has several of them; all that there is here is in its first.
const WORKSPACE: (&str, &str) = ("workspace", "default");

/// Labels, and that of the consumer where it is asked for.
fn of_consumer<'a>(key: &'a Key, labels: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let consumer = key.consumer.iter().map(|name| ("consumer", &**name));
    labels.iter().copied().chain(consumer).collect()
}

/// A request that has ended.
pub(crate) struct Sample<'a> {
    pub(crate) route: Option<&'a Arc<RouteInForce>>,
    pub(crate) consumer: Option<&'a Arc<str>>,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) whole: Duration,
    /// The gateway's before the service was called, and the service's.
    pub(crate) latencies: Option<(Duration, Duration)>,
}

/// Upper bounds in milliseconds: Kong's.
const BOUNDS: [u64; 15] = [1, 2, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 1000, 10000];

#[derive(Clone, Default)]
struct Histogram {
    /// How many lie in each interval; the last has no upper bound.
    counts: [u64; BOUNDS.len() + 1],
    sum: f64,
}

#[derive(Clone, Copy, Default)]
struct FunctionSeries {
    calls: u64,
    errors: u64,
    exits: u64,
    time: Duration,
}

impl Metrics {
    pub(crate) fn new(workers: usize) -> Self {
        let count = workers.max(1);
        Self {
            workers: (0..count).map(|_| Mutex::default()).collect(),
            // One more, for the thread that serves none but the Admin API.
            functions: (0..=count).map(|_| Mutex::default()).collect(),
        }
    }

    pub(crate) fn record(&self, worker: usize, sample: &Sample<'_>) {
        let (service, route) = match sample.route {
            Some(route) => {
                let (service, route) = route.labels();
                (service.map_or_else(Arc::default, Arc::clone), Arc::clone(route))
            }
            None => (Arc::default(), Arc::default()),
        };
        let mut worker = self.workers[worker % self.workers.len()].lock();
        let (consumer, status) = (sample.consumer.cloned(), sample.status);
        let series = worker.entry(Key { service, route, consumer, status }).or_default();
        series.requests += 1;
        series.bytes += sample.bytes;
        series.request.add(sample.whole);
        if let Some((_, service)) = sample.latencies {
            series.upstream.add(service);
        }
        let upstream = sample.latencies.map_or(Duration::ZERO, |(_, service)| service);
        series.kong.add(sample.whole.saturating_sub(upstream));
    }

    /// Counts a call of a Lua function.
    pub(crate) fn called(&self, call: &FunctionCall<'_>) {
        let place = (call.plugin.name(), call.phase.name(), call.index);
        let thread = THREAD.with(|thread| thread % self.functions.len());
        let mut functions = self.functions[thread].lock();
        let set = match functions.get_mut(call.set) {
            Some(set) => set,
            None => functions.entry(call.set.to_owned()).or_default(),
        };
        let at = set.iter().position(|(known, _)| *known == place).unwrap_or_else(|| {
            set.push((place, FunctionSeries::default()));
            set.len() - 1
        });
        let (_, series) = &mut set[at];
        series.time += call.time;
        match call.outcome {
            FunctionOutcome::Waited => return,
            FunctionOutcome::Failed => series.errors += 1,
            FunctionOutcome::Exited => series.exits += 1,
            _ => {}
        }
        series.calls += 1;
    }

    /// `/metrics`, to stand before the Admin API.
    pub(crate) fn endpoint(
        self: Arc<Self>,
        counters: Arc<Counters>,
        runtime: Runtime,
        current: Current,
    ) -> Router {
        let answer = move || async move {
            let mut text = self.render(&counters, &runtime);
            let snapshot = current.load();
            if snapshot.says_of("prometheus", "upstream_health_metrics") {
                upstreams::render(&snapshot, &mut text);
            }
            ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
        };
        Router::new().route("/metrics", get(answer))
    }

    /// All numbers in Prometheus' text format.
    fn render(&self, counters: &Counters, runtime: &Runtime) -> String {
        let mut text = String::new();
        self.render_requests(&mut text);
        self.render_functions(&mut text);
        let [accepted, active, requests] = counters.read();
        head(&mut text, "kong_nginx_connections_total", "gauge", "Client connections by state");
        for (state, count) in [("accepted", accepted), ("active", active), ("total", requests)] {
            sample(&mut text, "kong_nginx_connections_total", &[("state", state)], count);
        }
        let stats = runtime.stats();
        for (name, help, value) in [
            ("kong_lua_vms", "Lua VMs that have been made", stats.vms),
            ("kong_lua_suspended_functions", "Lua functions that wait", stats.suspended),
            ("kong_memory_lua_bytes", "Bytes that Lua VMs use", stats.used_memory),
        ] {
            head(&mut text, name, "gauge", help);
            sample(&mut text, name, &[], value);
        }
        for (name, help, value) in [
            (
                "kong_lua_vms_replaced_total",
                "Lua VMs that were full and have been replaced",
                stats.replaced_vms,
            ),
            (
                "kong_lua_refused_calls_total",
                "Calls refused of functions that used up their time again and again",
                stats.refused_calls,
            ),
        ] {
            head(&mut text, name, "counter", help);
            sample(&mut text, name, &[], value);
        }
        text
    }

    fn render_requests(&self, text: &mut String) {
        let mut all: BTreeMap<Key, Series> = BTreeMap::new();
        for worker in &self.workers {
            for (key, series) in &*worker.lock() {
                all.entry(key.clone()).or_default().add(series);
            }
        }
        head(text, "kong_http_requests_total", "counter", "Requests by service, route and status");
        for (key, series) in &all {
            let status = key.status.to_string();
            let source = if series.upstream.total() > 0 { "service" } else { "kong" };
            let labels = [
                ("service", &*key.service),
                ("route", &*key.route),
                ("code", &status),
                ("source", source),
                WORKSPACE,
            ];
            let labels = of_consumer(key, &labels);
            sample(text, "kong_http_requests_total", &labels, series.requests);
        }
        let mut bytes: BTreeMap<Key, u64> = BTreeMap::new();
        for (key, series) in &all {
            *bytes.entry(Key { status: 0, ..key.clone() }).or_default() += series.bytes;
        }
        head(text, "kong_bandwidth_bytes", "counter", "Bytes of response bodies");
        for (key, bytes) in &bytes {
            let labels = [
                ("service", &*key.service),
                ("route", &*key.route),
                ("direction", "egress"),
                WORKSPACE,
            ];
            sample(text, "kong_bandwidth_bytes", &of_consumer(key, &labels), bytes);
        }
        // Latencies are by route alone, as Kong's are.
        let mut routes: BTreeMap<(&str, &str), Series> = BTreeMap::new();
        for (key, series) in &all {
            routes.entry((&key.service, &key.route)).or_default().add(series);
        }
        let of = |choose: fn(&Series) -> &Histogram| choose;
        for (name, help, choose) in [
            ("kong_request_latency_ms", "The whole of a request", of(|series| &series.request)),
            ("kong_upstream_latency_ms", "The service's part", of(|series| &series.upstream)),
            ("kong_kong_latency_ms", "The gateway's part", of(|series| &series.kong)),
        ] {
            head(text, name, "histogram", help);
            for ((service, route), series) in &routes {
                choose(series).render(text, name, service, route);
            }
        }
    }

    fn render_functions(&self, text: &mut String) {
        let functions = self.functions();
        let value = |choose: fn(&FunctionSeries) -> f64| choose;
        #[expect(clippy::cast_precision_loss, reason = "Prometheus' numbers are floats")]
        let series = [
            (
                "kong_lua_function_calls_total",
                "Calls of Lua functions",
                value(|series| series.calls as f64),
            ),
            (
                "kong_lua_function_errors_total",
                "Calls that failed",
                value(|series| series.errors as f64),
            ),
            (
                "kong_lua_function_exits_total",
                "Calls that ended their phase or request",
                value(|series| series.exits as f64),
            ),
            (
                "kong_lua_function_seconds_total",
                "Time in which Lua ran",
                value(|series| series.time.as_secs_f64()),
            ),
        ];
        for (name, help, choose) in series {
            head(text, name, "counter", help);
            for ((set, (plugin, phase, index)), series) in &functions {
                let index = index.to_string();
                let labels = [
                    ("name", set.as_str()),
                    ("plugin", plugin),
                    ("phase", phase),
                    ("index", &index),
                ];
                sample(text, name, &labels, choose(series));
            }
        }
    }
}

impl Metrics {
    /// The numbers of all functions, of all threads together.
    fn functions(&self) -> BTreeMap<(String, Place), FunctionSeries> {
        let mut all: BTreeMap<_, FunctionSeries> = BTreeMap::new();
        for functions in &self.functions {
            for (set, functions) in &*functions.lock() {
                for (place, series) in functions {
                    let sum = all.entry((set.clone(), *place)).or_default();
                    sum.calls += series.calls;
                    sum.errors += series.errors;
                    sum.exits += series.exits;
                    sum.time += series.time;
                }
            }
        }
        all
    }
}

impl Series {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.bytes += other.bytes;
        self.request.join(&other.request);
        self.upstream.join(&other.upstream);
        self.kong.join(&other.kong);
    }
}

impl Histogram {
    fn add(&mut self, time: Duration) {
        let milliseconds = time.as_secs_f64() * 1000.0;
        let above = |bound: &u64| Duration::from_millis(*bound) < time;
        self.counts[BOUNDS.iter().take_while(|bound| above(bound)).count()] += 1;
        self.sum += milliseconds;
    }

    fn join(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.sum += other.sum;
    }

    fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn render(&self, text: &mut String, name: &str, service: &str, route: &str) {
        let labels = [("service", service), ("route", route), WORKSPACE];
        let mut below = 0;
        for (at, count) in self.counts.iter().enumerate() {
            below += count;
            let bound = BOUNDS.get(at).map_or_else(|| "+Inf".to_owned(), u64::to_string);
            let labels = [labels[0], labels[1], labels[2], ("le", bound.as_str())];
            sample(text, &format!("{name}_bucket"), &labels, below);
        }
        sample(text, &format!("{name}_count"), &labels, below);
        sample(text, &format!("{name}_sum"), &labels, self.sum);
    }
}
