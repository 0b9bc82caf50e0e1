//! [`RequestTrace`]: the trace of a request, from its first moment to its last.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, Version, header};
use parking_lot::Mutex;
use tower_lua::{SpanId, Trace, TraceId, TraceSpan, TraceSpans};

use crate::in_force::target::Target;
use crate::request::peer::Peer;

/// Begins traces, as the flags say.
pub(crate) struct Tracer {
    pub(crate) instrumentations: Instrumentations,
    /// Which part of traces is wanted, where the flags say so.
    pub(crate) rate: Option<f64>,
    /// Who gets the spans of all requests.
    pub(crate) sink: Option<Sink>,
}

/// Who gets the spans of a request, and the id of their trace.
pub(crate) type Sink = Arc<dyn Fn(TraceId, &[TraceSpan]) + Send + Sync>;

/// Which spans there are, by Kong's names.
#[derive(Clone, Debug)]
pub(crate) enum Instrumentations {
    Off,
    All,
    Some(Vec<String>),
}

/// Kong's, where nobody has said anything.
pub(crate) const KONGS_RATE: f64 = 0.01;

/// W3C's header.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The trace of a request.
pub(crate) struct RequestTrace {
    pub(crate) trace: Trace,
    told: Arc<Told>,
    state: Mutex<State>,
}

struct State {
    /// The id of the span of the next call of the service.
    next_call: SpanId,
    call: Option<(TraceSpan, Arc<Target>)>,
    calls: u32,
    /// Whether services get `traceparent` in the place of what it is now.
    replaces: bool,
    header: Option<HeaderValue>,
    kept: Vec<Box<dyn Send>>,
}

/// What is told in the end, and whom.
struct Told {
    instrumentations: Instrumentations,
    root: Mutex<Option<TraceSpan>>,
    sinks: Mutex<Vec<Sink>>,
}

/// What a client says of the trace that its request is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parent {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: Option<SpanId>,
    pub(crate) is_sampled: Option<bool>,
}

impl Tracer {
    /// Begins the trace of a request that has the id `id`. Where no plugin `may_want` it, nothing is measured of
    /// one that is not sampled: it has ids, to go on with.
    pub(crate) fn begin<B>(
        &self,
        request: &mut Request<B>,
        started: Instant,
        id: &str,
        (peer, client): (&Peer, IpAddr),
        may_want: bool,
    ) -> Box<RequestTrace> {
        let incoming = request.headers().get(TRACEPARENT).cloned();
        let parent = incoming.as_ref().and_then(parent);
        let trace_id = parent.map_or_else(Trace::random_id, |parent| parent.trace_id);
        let told = Arc::new(Told {
            instrumentations: self.instrumentations.clone(),
            root: Mutex::default(),
            sinks: Mutex::default(),
        });
        let teller = Arc::clone(&told);
        let tell = move |spans| teller.tell(spans);
        let trace = Trace::new(trace_id, Trace::random_span_id(), tell);
        let is_on = !matches!(self.instrumentations, Instrumentations::Off);
        let is_wanted = is_on
            && self.sink.is_some()
            && match parent.and_then(|parent| parent.is_sampled) {
                Some(is_sampled) => is_sampled,
                None => is_among(trace_id, self.rate.unwrap_or(1.0)),
            };
        // A plugin may say so later.
        trace.set_sampled(is_on && (self.sink.is_none() || is_wanted));
        told.sinks.lock().extend(self.sink.clone().filter(|_| is_wanted));
        if is_wanted || may_want {
            let mut root = root(request, &trace, started, peer, client);
            root.set("kong.request.id", id);
            root.parent_id = parent.and_then(|parent| parent.span_id).unwrap_or_default();
            *told.root.lock() = Some(root);
        }
        request.extensions_mut().insert(trace.clone());
        let (replaces, header) = (self.sink.is_some(), incoming);
        let next_call = Trace::random_span_id();
        let state = Mutex::new(State {
            next_call,
            call: None,
            calls: 0,
            replaces,
            header,
            kept: Vec::new(),
        });
        Box::new(RequestTrace { trace, told, state })
    }
}

impl RequestTrace {
    /// Has it be part of the trace that `parent` says, as a plugin has found out.
    pub(crate) fn adopt(&self, parent: &Parent) {
        self.trace.set_id(parent.trace_id);
        if let Some(root) = &mut *self.told.root.lock() {
            root.parent_id = parent.span_id.unwrap_or_default();
        }
    }

    /// Has it be a trace of its own, whatever the client says.
    pub(crate) fn disown(&self) {
        if let Some(root) = &mut *self.told.root.lock()
            && root.parent_id != SpanId::default()
        {
            root.parent_id = SpanId::default();
            self.trace.set_id(Trace::random_id());
        }
    }

    /// Keeps something as long as the request goes on.
    pub(crate) fn keep(&self, something: Box<dyn Send>) {
        self.state.lock().kept.push(something);
    }

    /// Has a plugin say who gets its spans, if they are wanted. What services get is the plugin's to say
    /// from now on.
    pub(crate) fn decide(&self, is_sampled: bool, sink: Option<Sink>) {
        let mut sinks = self.told.sinks.lock();
        sinks.extend(sink.filter(|_| is_sampled));
        self.trace.set_sampled(is_sampled || !sinks.is_empty());
        self.state.lock().replaces = false;
    }

    /// The id of the span of the next call of the service.
    pub(crate) fn next_call(&self) -> SpanId {
        self.state.lock().next_call
    }

    /// Has `traceparent` be another for each further try, now that it has this value.
    pub(crate) fn injected(&self, value: HeaderValue) {
        let mut state = self.state.lock();
        (state.replaces, state.header) = (true, Some(value));
    }

    /// Begins a call of the service, which learns of it.
    pub(crate) fn call(&self, headers: &mut HeaderMap, target: &Arc<Target>) {
        let mut state = self.state.lock();
        self.end_call(&mut state, None);
        let mut span = self.trace.span("kong.balancer", Instant::now());
        (span.id, span.kind) = (state.next_call, "client");
        state.next_call = Trace::random_span_id();
        state.calls += 1;
        span.set("try_count", state.calls);
        // What a function has set is the function's to say.
        let is_ours = state.replaces && headers.get(TRACEPARENT) == state.header.as_ref();
        if is_ours && let Ok(value) = HeaderValue::try_from(self.trace.traceparent(span.id)) {
            headers.insert(TRACEPARENT, value.clone());
            state.header = Some(value);
        }
        state.call = Some((span, Arc::clone(target)));
    }

    /// Has the call that is under way go to another target.
    pub(crate) fn redirect(&self, to: &Arc<Target>) {
        if let Some((_, target)) = &mut self.state.lock().call {
            *target = Arc::clone(to);
        }
    }

    /// Notes what the service has answered.
    pub(crate) fn answer(&self, status: StatusCode) {
        self.end_call(&mut self.state.lock(), Some(status));
    }

    /// Ends a call that is under way: it has failed, if there is no status.
    fn end_call(&self, state: &mut State, status: Option<StatusCode>) {
        let Some((mut span, target)) = state.call.take() else { return };
        span.set("net.peer.name", target.authority().to_str().unwrap_or_default());
        if let Some(addr) = target.addr() {
            span.set("net.peer.ip", addr.ip().to_string());
            span.set("net.peer.port", addr.port());
        }
        match status {
            Some(status) => span.set("http.status_code", status.as_u16()),
            None => span.is_ok = Some(false),
        }
        span.ended_at = self.trace.nanoseconds(Instant::now());
        self.trace.add(span);
    }

    /// Ends the span of the request itself. Functions may have some that go on.
    pub(crate) fn end(&self, status: u16, route: Option<&str>) {
        self.end_call(&mut self.state.lock(), None);
        let ended_at = self.trace.nanoseconds(Instant::now());
        if let Some(root) = &mut *self.told.root.lock() {
            root.ended_at = ended_at;
            root.set("http.status_code", status);
            root.set("http.route", route.unwrap_or_default());
            if status >= 500 {
                root.is_ok = Some(false);
            }
        }
    }
}

impl Told {
    fn tell(&self, spans: TraceSpans) {
        let sinks = std::mem::take(&mut *self.sinks.lock());
        let Some(mut root) = self.root.lock().take().filter(|_| !sinks.is_empty()) else { return };
        root.attributes.extend(spans.root.attributes);
        root.events.extend(spans.root.events);
        root.is_ok = spans.root.is_ok.or(root.is_ok);
        if spans.dropped > 0 {
            root.set("kong.dropped_spans", spans.dropped);
        }
        let mut all = vec![root];
        all.extend(self.instrumentations.choose(spans.ended));
        for sink in sinks {
            sink(spans.id, &all);
        }
    }
}

impl Instrumentations {
    /// Those of `spans` that are wanted. What is in one that is not is in the one around that.
    fn choose(&self, mut spans: Vec<TraceSpan>) -> Vec<TraceSpan> {
        let Self::Some(names) = self else { return spans };
        let is_wanted = |span: &TraceSpan| match instrumentation(&span.name) {
            Some(name) => names.iter().any(|wanted| wanted == name),
            None => true,
        };
        while let Some(at) = spans.iter().position(|span| !is_wanted(span)) {
            let left_out = spans.swap_remove(at);
            for span in spans.iter_mut().filter(|span| span.parent_id == left_out.id) {
                span.parent_id = left_out.parent_id;
            }
        }
        spans
    }
}

/// What has to be switched on for a span of this name.
fn instrumentation(name: &str) -> Option<&'static str> {
    let kinds = [
        ("kong.balancer", "balancer"),
        ("kong.internal.", "http_client"),
        ("kong.rewrite.plugin.", "plugin_rewrite"),
        ("kong.access.plugin.", "plugin_access"),
        ("kong.header_filter.plugin.", "plugin_header_filter"),
    ];
    kinds.iter().find(|(start, _)| name.starts_with(start)).map(|(_, kind)| *kind)
}

/// Whether a trace is among the fraction `rate`: its id begins with a number that is small enough.
pub(crate) fn is_among(id: TraceId, rate: f64) -> bool {
    if rate >= 1.0 || rate <= 0.0 {
        return rate >= 1.0;
    }
    let (first, _) = id.split_at(8);
    let number = u64::from_le_bytes(first.try_into().expect("8 bytes"));
    #[expect(clippy::cast_precision_loss, reason = "a fraction")]
    let fraction = number as f64 / 2_f64.powi(64);
    fraction < rate
}

/// What W3C's header says.
pub(crate) fn parent(value: &HeaderValue) -> Option<Parent> {
    let text = value.to_str().ok()?.trim();
    let mut parts = text.split('-');
    let (version, trace_id) = (parts.next()?, parts.next()?);
    let (span_id, flags) = (parts.next()?, parts.next()?);
    // A later version may have more to say.
    let is_version = version.len() == 2 && version != "ff" && unhex::<1>(version).is_some();
    if !is_version || (version == "00" && parts.next().is_some()) || flags.len() != 2 {
        return None;
    }
    let (trace_id, span_id) = (unhex::<16>(trace_id)?, unhex::<8>(span_id)?);
    let [flags] = unhex::<1>(flags)?;
    let is_sound = trace_id != [0; 16] && span_id != [0; 8];
    let is_sampled = Some(flags & 1 == 1);
    is_sound.then_some(Parent { trace_id, span_id: Some(span_id), is_sampled })
}

/// Bytes in lower hexadecimal digits.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() != 2 * N || !is_hex {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

/// The span of the request itself.
fn root<B>(
    request: &Request<B>,
    trace: &Trace,
    started: Instant,
    peer: &Peer,
    client: IpAddr,
) -> TraceSpan {
    let mut root = trace.span("kong", started);
    (root.id, root.kind) = (trace.span_id(), "server");
    let uri = request.uri();
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| uri.host()).unwrap_or_default();
    let scheme = if peer.connection.is_tls() { "https" } else { "http" };
    let flavor = if request.version() == Version::HTTP_2 { "2.0" } else { "1.1" };
    root.set("http.method", request.method().as_str());
    root.set("http.url", format!("{scheme}://{host}{}", path(uri)));
    root.set("http.host", host);
    root.set("http.scheme", scheme);
    root.set("http.flavor", flavor);
    root.set("http.client_ip", client.to_string());
    root.set("net.peer.ip", peer.connection.peer_addr().ip().to_string());
    root
}

fn path(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_read_as_w3c_has_it() {
        let of = |text: &'static str| parent(&HeaderValue::from_static(text));
        let known = of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
        assert_eq!(known.is_sampled, Some(true));
        assert_eq!(known.span_id, unhex("b7ad6b7169203331"));
        assert!(of("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-later").is_some());
        for bad in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_in_a_span_that_is_not_wanted_is_in_the_one_around_it() {
        let trace = Trace::new([1; 16], [1; 8], drop);
        let mut phase = trace.span("kong.access.plugin.pre-function", Instant::now());
        let mut function = trace.span("all pre-function: access[1]", Instant::now());
        (phase.parent_id, function.parent_id) = ([1; 8], phase.id);
        let wanted = Instrumentations::Some(vec!["request".to_owned()]);
        let [left] = wanted.choose(vec![phase, function]).try_into().unwrap();
        assert_eq!((&*left.name, left.parent_id), ("all pre-function: access[1]", [1; 8]));
    }
}
