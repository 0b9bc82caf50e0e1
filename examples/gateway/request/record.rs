//! What is remembered of each request: the access log, and numbers for `/status` and `/metrics`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{Method, Request, StatusCode, Uri, Version, header};

use crate::log::AccessLog;
use crate::request::counters::Counters;
use crate::request::flight::Flight;
use crate::request::metrics::{Metrics, Sample};

/// Records requests of one worker.
pub(crate) struct Recorder {
    counters: Arc<Counters>,
    metrics: Arc<Metrics>,
    worker: usize,
    access_log: AccessLog,
}

/// A request that is being recorded. It is written down when this is dropped.
pub(crate) struct Record {
    recorder: Arc<Recorder>,
    flight: Arc<Flight>,
    status: u16,
    bytes: u64,
    line: Option<Box<Line>>,
}

/// What the access log says of a request.
struct Line {
    client: IpAddr,
    method: Method,
    uri: Uri,
    version: Version,
    referer: String,
    agent: String,
}

/// The status of a request whose client has gone away before there was a response: nginx's.
const CLIENT_CLOSED_REQUEST: u16 = 499;

impl Recorder {
    /// A recorder for the worker of the number `worker`.
    pub(crate) fn new(
        counters: Arc<Counters>,
        metrics: Arc<Metrics>,
        worker: usize,
        access_log: AccessLog,
    ) -> Self {
        Self { counters, metrics, worker, access_log }
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    pub(crate) fn begin<B>(self: &Arc<Self>, request: &Request<B>, flight: Arc<Flight>) -> Record {
        let is_subrequest = flight.peer.maker.is_some();
        if !is_subrequest {
            self.counters.begin(self.worker);
        }
        let is_logged = self.access_log != AccessLog::Off && !is_subrequest;
        let line = is_logged.then(|| Box::new(Line::new(request, &flight)));
        let recorder = Arc::clone(self);
        Record { recorder, flight, status: CLIENT_CLOSED_REQUEST, bytes: 0, line }
    }
}

impl Record {
    /// The request's companion.
    pub(crate) const fn flight(&self) -> &Arc<Flight> {
        &self.flight
    }

    pub(crate) fn respond(&mut self, status: StatusCode) {
        self.status = status.as_u16();
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // As nginx has it: what is logged and counted is what clients have asked for.
        if self.flight.peer.maker.is_some() {
            return;
        }
        if self.status == CLIENT_CLOSED_REQUEST && self.flight.peer.is_given_away() {
            self.status = StatusCode::SWITCHING_PROTOCOLS.as_u16();
        }
        let whole = self.flight.started.elapsed();
        let route = self.flight.route_in_force();
        let (status, bytes) = (self.status, self.bytes);
        if let Some(trace) = self.flight.trace() {
            let path = route.and_then(|route| route.route.paths.as_deref()?.first());
            trace.end(status, path.map(|path| &**path));
        }
        let latencies = self.flight.latencies();
        let consumer = self.flight.counted_for();
        let sample = Sample { route, consumer, status, bytes, whole, latencies };
        self.recorder.metrics.record(self.recorder.worker, &sample);
        if status == CLIENT_CLOSED_REQUEST {
            let request_id = self.flight.id.as_str();
            tracing::debug!(request_id, "client prematurely closed connection");
        }
        if let Some(line) = &self.line {
            self.write(line, whole);
        }
    }
}

impl Record {
    /// Writes what there is to say of a request that took `whole`.
    fn write(&self, line: &Line, whole: Duration) {
        let Line { client, method, uri, version, referer, agent } = line;
        let client = client.to_string();
        let (status, bytes) = (self.status, self.bytes);
        let request_id = self.flight.id.as_str();
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        if self.recorder.access_log == AccessLog::Line {
            // As nginx's `combined`, and with the request's id.
            tracing::info!(
                target: "access",
                request_id,
                "{client} \"{method} {path} {version:?}\" {status} {bytes} \"{referer}\" \"{agent}\" {}ms",
                whole.as_millis(),
            );
            return;
        }
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let route = self.flight.route_in_force();
        let (gateway, service) = self.flight.latencies().unzip();
        tracing::info!(
            target: "access",
            request_id,
            client,
            method = method.as_str(),
            path,
            version = ?version,
            status,
            bytes,
            referer,
            agent,
            service = route.map(|route| &*route.names.service),
            route = route.map(|route| &*route.names.route),
            latency_ms = milliseconds(whole),
            gateway_latency_ms = gateway.map(milliseconds),
            service_latency_ms = service.map(milliseconds),
        );
    }
}

impl Line {
    fn new<B>(request: &Request<B>, flight: &Flight) -> Self {
        let text = |name| {
            let value = request.headers().get(name).map(http::HeaderValue::as_bytes);
            value.map_or_else(|| "-".to_owned(), |value| value.escape_ascii().to_string())
        };
        Self {
            client: flight.peer.connection.peer_addr().ip(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            referer: text(header::REFERER),
            agent: text(header::USER_AGENT),
        }
    }
}
