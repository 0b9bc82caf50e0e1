//! What is counted of requests, under the names that Kong gives it.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_utils::CachePadded;
use parking_lot::Mutex;
use rustc_hash::FxHashSet;

use super::counted::Counted;
use super::family::{Family, Kind, Labels, Point, count, labels};
use super::histogram::{Histograms, MILLISECONDS};
use crate::in_force::snapshot::{Names, RouteInForce, Snapshot};

/// The numbers of requests, in a part for each worker, so that none waits for another.
pub(super) struct Requests {
    workers: Vec<CachePadded<Mutex<Worker>>>,
}

/// In boxes: a map has room for twice what is in it, and moves it as it grows.
type Worker = Counted<Key, Box<Series>>;

/// What a request counts for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    names: Names,
    /// Where a plugin asks for it.
    consumer: Option<Arc<str>>,
    status: u16,
}

/// Whoever says what a request counts for: to look for its numbers takes no key of its own.
trait CountsFor {
    /// Service and route, consumer and status.
    fn counts_for(&self) -> (&Names, Option<&str>, u16);
}

impl CountsFor for Key {
    fn counts_for(&self) -> (&Names, Option<&str>, u16) {
        (&self.names, self.consumer.as_deref(), self.status)
    }
}

impl CountsFor for Sample<'_> {
    fn counts_for(&self) -> (&Names, Option<&str>, u16) {
        (names_of(self.route), self.consumer.map(|consumer| &**consumer), self.status)
    }
}

impl<'a> Borrow<dyn CountsFor + 'a> for Key {
    fn borrow(&self) -> &(dyn CountsFor + 'a) {
        self
    }
}

// As the fields of a key, one after the other.
impl Hash for dyn CountsFor + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.counts_for().hash(state);
    }
}

impl PartialEq for dyn CountsFor + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.counts_for() == other.counts_for()
    }
}

impl Eq for dyn CountsFor + '_ {}

/// What most requests count, those of a millisecond at most, lies in one line of memory.
#[derive(Clone, Default)]
#[repr(C, align(64))]
struct Series {
    requests: u64,
    bytes: u64,
    times: Histograms<3>,
}

// Places of times: of the whole of a request, the service's part and the gateway's.
const REQUEST: usize = 0;
const UPSTREAM: usize = 1;
const KONG: usize = 2;

/// Kong has several of them; all that there is here is in its first.
const WORKSPACE: (&str, &str) = ("workspace", "default");

/// A request that has ended.
pub(crate) struct Sample<'a> {
    pub(crate) route: Option<&'a RouteInForce>,
    pub(crate) consumer: Option<&'a Arc<str>>,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) whole: Duration,
    /// The gateway's before the service was called, and the service's.
    pub(crate) latencies: Option<(Duration, Duration)>,
}

impl Requests {
    pub(super) fn new(workers: usize) -> Self {
        Self { workers: (0..workers.max(1)).map(|_| CachePadded::default()).collect() }
    }

    /// Counts a request. Whether there is so much that some should be [forgotten](Self::forget).
    pub(super) fn record(&self, worker: usize, sample: &Sample<'_>) -> bool {
        let mut worker = self.workers[worker % self.workers.len()].lock();
        let begin = || (Key::of(sample), Box::default());
        worker.count::<dyn CountsFor + '_>(sample, begin, |series| series.count(sample))
    }

    /// Forgets the requests of routes that are there no more.
    //
    // Kong: never does.
    pub(super) fn forget(&self, snapshot: &Snapshot) {
        let routes = snapshot.routes().map(Some).chain([None]);
        let known: FxHashSet<_> = routes.map(names_of).collect();
        for worker in &self.workers {
            worker.lock().retain(|key| known.contains(&key.names));
        }
    }

    pub(super) fn families(&self) -> Vec<Family> {
        let mut all: BTreeMap<Key, Series> = BTreeMap::new();
        for worker in &self.workers {
            for (key, series) in &*worker.lock() {
                all.entry(key.clone()).or_default().add(series);
            }
        }
        let mut families = vec![requests(&all), bytes(&all)];
        families.extend(latencies(&all));
        families
    }
}

/// What a route and its service are called.
fn names_of(route: Option<&RouteInForce>) -> &Names {
    match route {
        Some(route) => &route.names,
        None => Names::none(),
    }
}

fn requests(all: &BTreeMap<Key, Series>) -> Family {
    let help = "Requests by service, route and status";
    let mut family = Family::new("kong_http_requests_total", Kind::Counter, help);
    for (key, series) in all {
        let status = key.status.to_string();
        let source = if series.times.of(UPSTREAM).total() > 0 { "service" } else { "kong" };
        let of = [("code", &*status), ("source", source)];
        family.number(of_consumer(key, &of), count(series.requests));
    }
    family
}

fn bytes(all: &BTreeMap<Key, Series>) -> Family {
    let mut bytes: BTreeMap<Key, u64> = BTreeMap::new();
    for (key, series) in all {
        *bytes.entry(Key { status: 0, ..key.clone() }).or_default() += series.bytes;
    }
    let help = "Bytes of response bodies";
    let mut family = Family::new("kong_bandwidth_bytes", Kind::Counter, help);
    for (key, bytes) in &bytes {
        family.number(of_consumer(key, &[("direction", "egress")]), count(*bytes));
    }
    family
}

/// Latencies are by route alone, as Kong's are.
fn latencies(all: &BTreeMap<Key, Series>) -> [Family; 3] {
    let mut routes: BTreeMap<&Names, Series> = BTreeMap::new();
    for (key, series) in all {
        routes.entry(&key.names).or_default().add(series);
    }
    let families = [
        ("kong_request_latency_ms", "The whole of a request", REQUEST),
        ("kong_upstream_latency_ms", "The service's part", UPSTREAM),
        ("kong_kong_latency_ms", "The gateway's part", KONG),
    ];
    families.map(|(name, help, kind)| {
        let mut family = Family::new(name, Kind::Histogram, help);
        for (Names { service, route, .. }, series) in &routes {
            let labels = labels(&[("service", service), ("route", route), WORKSPACE]);
            let value = series.times.of(kind).value(&MILLISECONDS);
            family.points.push(Point { labels, value });
        }
        family
    })
}

/// The labels of a key, `between` those of all; that of the consumer where it is asked for.
fn of_consumer(key: &Key, between: &[(&'static str, &str)]) -> Labels {
    let mut all = labels(&[("service", &key.names.service), ("route", &key.names.route)]);
    all.extend(labels(between));
    all.extend(labels(&[WORKSPACE]));
    all.extend(key.consumer.iter().map(|name| ("consumer", name.to_string())));
    all
}

impl Key {
    fn of(sample: &Sample<'_>) -> Self {
        let names = names_of(sample.route).clone();
        Self { names, consumer: sample.consumer.cloned(), status: sample.status }
    }
}

impl Series {
    fn count(&mut self, sample: &Sample<'_>) {
        self.requests += 1;
        self.bytes += sample.bytes;
        self.times.add(REQUEST, &MILLISECONDS, sample.whole);
        if let Some((_, service)) = sample.latencies {
            self.times.add(UPSTREAM, &MILLISECONDS, service);
        }
        let upstream = sample.latencies.map_or(Duration::ZERO, |(_, service)| service);
        self.times.add(KONG, &MILLISECONDS, sample.whole.saturating_sub(upstream));
    }

    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.bytes += other.bytes;
        self.times.join(&other.times);
    }
}
