//! Numbers for Prometheus, under the names that Kong gives them.
//!
//! By hand, because a request is counted at 0.2 µs here and at 2.1 µs in the families of
//! prometheus-client, whose numbers all workers share, and which writes the newer text format alone.

mod counted;
pub(crate) mod family;
mod functions;
mod histogram;
mod requests;
mod text;
mod upstreams;
mod versions;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};
use tokio::sync::watch;
use tower_lua::{FunctionCall, FunctionsId, Runtime};

use self::family::{Family, Kind, count, labels, size};
use self::functions::Functions;
use self::requests::Requests;
pub(crate) use self::requests::Sample;
use self::versions::Comparisons;
use crate::in_force::published::Current;
use crate::request::counters::Counters;

/// What was counted.
pub(crate) struct Metrics {
    requests: Requests,
    functions: Functions,
    comparisons: Comparisons,
    /// Which plugins there are.
    current: Current,
}

impl Metrics {
    /// Numbers of so many workers, and of the plugins that are in force.
    pub(crate) fn new(workers: usize, current: Current) -> Self {
        // One more, for the thread that serves none but the Admin API.
        let functions = Functions::new(workers + 1);
        let (requests, comparisons) = (Requests::new(workers), Comparisons::default());
        Self { requests, functions, comparisons, current }
    }

    pub(crate) fn record(&self, worker: usize, sample: &Sample<'_>) {
        if self.requests.record(worker, sample) {
            self.requests.forget(&self.current.load());
        }
    }

    /// Counts a call of a Lua function.
    pub(crate) fn called(&self, call: &FunctionCall<'_>) {
        if self.functions.called(call) {
            self.functions.forget(&self.current.load());
        }
    }

    /// What is known of each function, for `/functions/metrics`.
    pub(crate) fn of_functions(&self) -> Value {
        let snapshot = self.current.load();
        self.functions.forget(&snapshot);
        self.functions.list(&snapshot)
    }

    /// Sees to it that canaries are compared with what they may replace from when they are in force.
    pub(crate) fn compare_canaries(&self) {
        self.comparisons.follow(&self.functions, &self.current);
    }

    /// Does so now, and then whenever something has changed.
    pub(crate) fn follow(
        self: Arc<Self>,
        mut changes: watch::Receiver<()>,
    ) -> impl Future<Output = ()> + Send {
        self.compare_canaries();
        async move {
            while changes.changed().await.is_ok() {
                self.compare_canaries();
            }
        }
    }

    /// The numbers of a plugin's functions, and of its canary's, since it has one.
    pub(crate) fn of_versions(&self, versions: [FunctionsId; 2]) -> [Map<String, Value>; 2] {
        self.comparisons.compare(&self.functions, versions)
    }

    /// `/metrics`, to stand before the Admin API.
    pub(crate) fn endpoint(self: Arc<Self>, counters: Arc<Counters>, runtime: Runtime) -> Router {
        let answer = move || async move {
            let text = text::render(&self.families(&counters, &runtime));
            ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
        };
        Router::new().route("/metrics", get(answer))
    }

    /// All numbers.
    pub(crate) fn families(&self, counters: &Counters, runtime: &Runtime) -> Vec<Family> {
        let snapshot = self.current.load();
        self.functions.forget(&snapshot);
        let mut families = self.requests.families();
        families.extend(self.functions.families());
        families.push(connections(counters));
        families.extend(of_lua(runtime));
        families.push(Family::of_one(
            "kong_log_queue_lost_entries_total",
            Kind::Counter,
            "Entries of logs, spans and metrics that were lost on their way",
            count(counters.lost()),
        ));
        if snapshot.says_of("prometheus", "upstream_health_metrics") {
            families.push(upstreams::family(&snapshot));
        }
        families
    }
}

fn connections(counters: &Counters) -> Family {
    let help = "Client connections by state";
    let mut family = Family::new("kong_nginx_connections_total", Kind::Gauge, help);
    let [accepted, active, requests] = counters.read();
    for (state, number) in [("accepted", accepted), ("active", active), ("total", requests)] {
        family.number(labels(&[("state", state)]), count(number));
    }
    family
}

/// What VMs and functions have taken.
fn of_lua(runtime: &Runtime) -> Vec<Family> {
    let stats = runtime.stats();
    let help = "Timers of Lua functions by state";
    let mut timers = Family::new("kong_nginx_timers", Kind::Gauge, help);
    for (state, number) in [("pending", stats.pending_timers), ("running", stats.running_timers)] {
        timers.number(labels(&[("state", state)]), size(number));
    }
    let name = "kong_memory_workers_lua_vms_bytes";
    let mut memory = Family::new(name, Kind::Gauge, "Bytes that each Lua VM uses");
    for (place, bytes) in runtime.memory() {
        memory
            .number(labels(&[("vm", &place.to_string()), ("kong_subsystem", "http")]), size(bytes));
    }
    let of_one = |name, kind, help, value| Family::of_one(name, kind, help, size(value));
    let (gauge, counter) = (Kind::Gauge, Kind::Counter);
    let suspended = "Lua functions that wait";
    let sockets = "Sockets of Lua functions that are open, with those that wait to be used again";
    let replaced = "Lua VMs that were full and have been replaced";
    let refused = "Calls refused of functions that used up their time again and again";
    vec![
        of_one("kong_lua_vms", gauge, "Lua VMs that have been made", stats.vms),
        of_one("kong_lua_suspended_functions", gauge, suspended, stats.suspended),
        of_one("kong_lua_sockets", gauge, sockets, stats.sockets),
        timers,
        of_one("kong_memory_lua_bytes", gauge, "Bytes that Lua VMs use", stats.used_memory),
        memory,
        of_one("kong_lua_vms_replaced_total", counter, replaced, stats.replaced_vms),
        of_one("kong_lua_refused_calls_total", counter, refused, stats.refused_calls),
    ]
}
