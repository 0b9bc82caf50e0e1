//! A request on its way through the gateway: what its layers tell each other.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, HeaderValue, Request, StatusCode, Uri};
use tower_lua::{
    ClientConnection, Connection, Functions, RequestFacts, RequestId, Route, Service, ServiceTimes,
    Tls, Tries, Try, UpstreamUri, UriCaptures,
};

use crate::in_force::plugins::{Around, Chain, Choices};
use crate::in_force::published::Kept;
use crate::in_force::snapshot::{RouteInForce, Snapshot, Treatment};
use crate::in_force::target::Target;
use crate::request::peer::Peer;
use crate::request::trace::RequestTrace;
use crate::request::uri::{self, PathHandling};

/// A request's companion, in its extensions from the first layer to the last.
pub(crate) struct Flight {
    snapshot: Arc<Kept>,
    pub(crate) started: Instant,
    /// The id of the request, and the same as a header has it.
    pub(crate) id: RequestId,
    pub(crate) id_value: HeaderValue,
    pub(crate) peer: Arc<Peer>,
    /// The client's address, as far as it can be believed.
    pub(crate) client: IpAddr,
    /// Which versions of functions it gets, where some have several.
    choices: Option<Box<Choices>>,
    matched: OnceLock<Matched>,
    /// Where that sends the request, if somebody has asked.
    upstream_uri: OnceLock<UpstreamUri>,
    /// Whom the request is counted for.
    consumer: OnceLock<Arc<str>>,
    /// When the request went to the service, and when the head of its response was there.
    called: Moment,
    answered: Moment,
    /// The status of that response, or 0.
    status: AtomicU16,
    /// The trace that it belongs to, if anybody wants to know.
    trace: OnceLock<Box<RequestTrace>>,
    tried: OnceLock<Tried>,
}

/// When something happened first, from the beginning of the request. A request is on one thread at a time: so
/// nobody notes another moment meanwhile.
struct Moment(AtomicU64);

/// Not yet.
const NEVER: u64 = u64::MAX;

impl Default for Moment {
    fn default() -> Self {
        Self(AtomicU64::new(NEVER))
    }
}

impl Moment {
    /// Notes the moment. Whether it is the first.
    fn note(&self, time: Duration) -> bool {
        let is_first = self.0.load(Ordering::Relaxed) == NEVER;
        if is_first {
            self.0.store(u64::try_from(time.as_nanos()).unwrap_or(NEVER - 1), Ordering::Relaxed);
        }
        is_first
    }

    fn get(&self) -> Option<Duration> {
        let nanoseconds = self.0.load(Ordering::Relaxed);
        (nanoseconds != NEVER).then(|| Duration::from_nanos(nanoseconds))
    }
}

/// Where a request was sent.
pub(crate) enum Tried {
    /// To targets of an upstream.
    Among(Tries),
    /// To one target, and what the client is answered with.
    At(Arc<Target>, StatusCode),
}

/// What the router has found.
#[derive(Default)]
pub(crate) struct Matched {
    /// The place of the route in the snapshot. [`Flight::route_of`] has the route.
    pub(crate) route: Option<usize>,
    /// How many bytes of the normalised path the route matched, if it has paths.
    pub(crate) prefix: Option<usize>,
    /// What a regular expression has captured of the path.
    pub(crate) captures: Option<UriCaptures>,
    pub(crate) refusal: Option<Refusal>,
    /// The URI that the client asked for, whatever functions make of it.
    pub(crate) uri: Uri,
    /// The path and query for the service that functions have set before the route was known.
    pub(crate) set_path: Option<PathAndQuery>,
}

impl Matched {
    /// Where the service's path and the route's say that a request for `uri` goes.
    pub(crate) fn path_for<'a>(&self, uri: &'a Uri, route: &RouteInForce) -> Cow<'a, [u8]> {
        let base = route.service().and_then(|service| service.path.as_deref());
        let Treatment { strips_path, handles_paths_as_v1, .. } = route.treatment;
        let handling = if handles_paths_as_v1 { PathHandling::V1 } else { PathHandling::V0 };
        let path = uri::normalize(uri.path());
        if base.is_none() && !strips_path && path.starts_with(b"/") {
            // It stays what it is, by either handling.
            return uri::escape(path);
        }
        Cow::Owned(uri::upstream_path(handling, strips_path, base, &path, self.prefix))
    }
}

/// Why the request of a route is answered without the route's access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NeedsHttps,
    /// To the same place, by HTTPS.
    Redirect {
        status: StatusCode,
        location: String,
    },
    NeedsHttp2,
    NeedsGrpc,
}

impl Flight {
    /// The companion of a request with these headers.
    pub(crate) fn new(
        snapshot: Arc<Kept>,
        peer: Arc<Peer>,
        client: IpAddr,
        headers: &HeaderMap,
    ) -> Self {
        let id = peer.maker.clone().unwrap_or_else(RequestId::random);
        let id_value = HeaderValue::from_str(id.as_str()).expect("hexadecimal digits");
        Self {
            client,
            choices: snapshot.choices(headers),
            snapshot,
            started: Instant::now(),
            id,
            id_value,
            peer,
            matched: OnceLock::new(),
            upstream_uri: OnceLock::new(),
            consumer: OnceLock::new(),
            called: Moment::default(),
            answered: Moment::default(),
            status: AtomicU16::new(0),
            trace: OnceLock::new(),
            tried: OnceLock::new(),
        }
    }

    /// The companion of a request, if it came through the gateway's first layer.
    pub(crate) fn of<B>(request: &Request<B>) -> Option<&Arc<Self>> {
        request.extensions().get()
    }

    /// The same for the last who asks: nobody behind them finds it.
    pub(crate) fn take<B>(request: &mut Request<B>) -> Option<Arc<Self>> {
        request.extensions_mut().remove()
    }

    /// Who gives the connection of a request away.
    pub(crate) fn client_connection(extensions: &Extensions) -> Option<Arc<dyn ClientConnection>> {
        let handover = extensions.get::<Arc<Self>>()?.peer.handover.as_ref()?;
        Some(Arc::clone(handover) as _)
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Notes what the router has found. It is asked once.
    pub(crate) fn route(&self, matched: Matched) {
        let _ = self.matched.set(matched);
    }

    pub(crate) fn matched(&self) -> Option<&Matched> {
        self.matched.get()
    }

    /// The route of the request, once it is known.
    pub(crate) fn route_in_force(&self) -> Option<&RouteInForce> {
        self.route_of(self.matched()?)
    }

    /// The route that has been found, be it this or an earlier time.
    pub(crate) fn route_of(&self, matched: &Matched) -> Option<&RouteInForce> {
        matched.route.map(|place| self.snapshot.route(place))
    }

    fn chain(&self) -> &Chain {
        self.route_in_force().map_or(self.snapshot.global(), |route| &*route.chain)
    }

    /// Whether the request has no route, or one that it does not get.
    fn is_refused(&self) -> bool {
        self.matched().is_none_or(|matched| matched.route.is_none() || matched.refusal.is_some())
    }

    /// The functions that run before all other plugins.
    pub(crate) fn pre(&self) -> &Functions {
        self.chain().pre(self.is_refused(), self.choices.as_deref())
    }

    /// The functions that run after all other plugins.
    pub(crate) fn post(&self) -> &Functions {
        self.chain().post(self.is_refused(), self.choices.as_deref())
    }

    /// The functions that run before a route is looked for, before and after each other.
    pub(crate) fn rewrite_pre(&self) -> &Functions {
        self.snapshot.rewrite().pre(self.choices.as_deref())
    }

    pub(crate) fn rewrite_post(&self) -> &Functions {
        self.snapshot.rewrite().post(self.choices.as_deref())
    }

    /// The other plugins, if there are any.
    pub(crate) fn plugins(self: &Arc<Self>) -> Option<&Arc<[Arc<dyn Around>]>> {
        let between = self.chain().between(self.is_refused());
        (!between.is_empty()).then_some(between)
    }

    /// Whether nothing is for the request but to be forwarded, or refused.
    pub(crate) fn is_plain(self: &Arc<Self>) -> bool {
        self.pre().is_empty() && self.post().is_empty() && self.plugins().is_none()
    }

    /// Whether functions may have changed the request before its route was known.
    pub(crate) fn may_have_been_rewritten(&self) -> bool {
        self.snapshot.rewrite().has_functions()
    }

    /// Whether functions may have had a say in where the request goes.
    pub(crate) fn may_be_steered(&self) -> bool {
        self.may_have_been_rewritten()
            || !(self.pre().is_empty() && self.post().is_empty())
            || self.chain().has_functions()
    }

    /// Has the request counted for a consumer.
    pub(crate) fn count_for(&self, username: &str) {
        let _ = self.consumer.set(username.into());
    }

    /// The consumer whom the request is counted for.
    pub(crate) fn counted_for(&self) -> Option<&Arc<str>> {
        self.consumer.get()
    }

    /// Notes that the request goes to the service `now`. Of several attempts, the last counts for
    /// the service and the first for the gateway; here they are one.
    pub(crate) fn call(&self, now: Instant) {
        self.called.note(now.saturating_duration_since(self.started));
    }

    /// Notes that the head of the service's response is there `now`.
    pub(crate) fn answer(&self, now: Instant, status: StatusCode) {
        if self.answered.note(now.saturating_duration_since(self.started)) {
            self.status.store(status.as_u16(), Ordering::Relaxed);
        }
        if let Some(trace) = self.trace() {
            trace.answer(status);
        }
    }

    /// Has it belong to a trace.
    pub(crate) fn trace_into(&self, trace: Box<RequestTrace>) {
        let _ = self.trace.set(trace);
    }

    /// The trace that it belongs to, if anybody wants to know.
    pub(crate) fn trace(&self) -> Option<&RequestTrace> {
        self.trace.get().map(|trace| &**trace)
    }

    /// The status that the service has answered with.
    pub(crate) fn service_status(&self) -> Option<StatusCode> {
        StatusCode::from_u16(self.status.load(Ordering::Relaxed)).ok()
    }

    /// How long the gateway took before the service was called, and the service to answer: of
    /// requests that a service has answered.
    pub(crate) fn latencies(&self) -> Option<(Duration, Duration)> {
        let (called, answered) = (self.called.get()?, self.answered.get()?);
        Some((called, answered.saturating_sub(called)))
    }

    /// Notes where the request was sent.
    pub(crate) fn try_at(&self, tried: Tried) {
        let _ = self.tried.set(tried);
    }

    /// When the request went to the service, by the clock of functions.
    fn called_at(&self) -> Option<SystemTime> {
        let called = self.called.get()?;
        Some(SystemTime::now() - self.started.elapsed() + called)
    }

    /// When the service was called and when it answered, by the clock of functions.
    pub(crate) fn service_times(&self) -> Option<ServiceTimes> {
        let began = SystemTime::now() - self.started.elapsed();
        let (called, waited) = self.latencies()?;
        Some(ServiceTimes::new(began + called, began + called + waited))
    }
}

/// What functions may ask of a request.
impl RequestFacts for Flight {
    fn connection(&self) -> Option<&Connection> {
        Some(&self.peer.connection)
    }

    fn tls(&self) -> Option<&Tls> {
        self.peer.tls.as_ref()
    }

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.id)
    }

    fn route(&self) -> Option<&Route> {
        self.route_in_force()?.known()
    }

    fn service(&self) -> Option<&Service> {
        self.route_in_force()?.known_service()
    }

    fn uri_captures(&self) -> Option<&UriCaptures> {
        self.matched()?.captures.as_ref()
    }

    fn upstream_uri(&self) -> Option<&UpstreamUri> {
        let matched = self.matched()?;
        let route = self.route_of(matched)?;
        Some(self.upstream_uri.get_or_init(|| match &matched.set_path {
            Some(path) => UpstreamUri::new(path.path()),
            None => {
                let path = matched.path_for(&matched.uri, route);
                UpstreamUri::new(&String::from_utf8_lossy(&path))
            }
        }))
    }

    fn tries(&self) -> Option<Tries> {
        let (target, status) = match self.tried.get()? {
            Tried::Among(tries) => return Some(tries.clone()),
            Tried::At(target, status) => (target, *status),
        };
        let began = self.called_at().unwrap_or_else(SystemTime::now);
        let tried = target.addr().map(|addr| Try::new(addr, began));
        let has_failed = self.service_status().is_none();
        let told = |tried: Try| if has_failed { tried.failed(status) } else { tried };
        Some(tried.map(told).into_iter().collect())
    }

    fn is_routed(&self) -> bool {
        self.route_in_force().is_some()
    }
}
