//! To the service, and back: the innermost service of the stack.

mod answer;
mod connect;
mod exchange;
mod hashed;
mod headers;
mod pool;
mod request_body;
mod response_body;
mod tls;
mod tunnel;
mod turn;

use std::borrow::Cow;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri, Version, header};
use http_body_util::Either;
use tower::Service;
use tower_lua::{InternalRedirect, RetryCallback, Upstream};

use self::answer::Wishes;
use self::connect::Connector;
pub(crate) use self::connect::StandIn;
use self::exchange::Failure;
use self::hashed::Hashed;
use self::pool::Pool;
use self::request_body::{Progress, RequestBody};
use self::response_body::ResponseBody;
pub(crate) use self::tls::{Roots, TlsConfigs};
use self::turn::Turn;
use crate::BoxError;
use crate::in_force::balancer::Balancer;
use crate::in_force::plugins::Body;
use crate::in_force::snapshot::RouteInForce;
use crate::in_force::target::{Plan, Target};
use crate::request::edge::via;
use crate::request::flight::{Flight, Matched, Tried};
use crate::request::routing;
use crate::request::trusted::Trusted;
use crate::resolver::Resolver;

/// The response of a service, or the gateway's own where no service has answered.
type Answer = Response<Either<ResponseBody, Body>>;

/// How many headers the gateway adds to a request.
const ADDED: usize = 12;

/// Forwards each request to the service of its route. Clones share their connections.
#[derive(Clone)]
pub(crate) struct Proxy {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Arc<Pool>,
    connector: Connector,
    trusted: Trusted,
}

impl Proxy {
    /// A proxy with connections of its own: that of one worker.
    pub(crate) fn new(roots: &Roots, resolver: Resolver, trusted: Trusted) -> Self {
        let connector = Connector::new(roots, resolver);
        Self::with(connector, trusted)
    }

    /// A proxy whose services are all `stand_in`.
    pub(crate) fn over(roots: &Roots, stand_in: Arc<StandIn>, trusted: Trusted) -> Self {
        Self::with(Connector::over(roots, stand_in), trusted)
    }

    fn with(connector: Connector, trusted: Trusted) -> Self {
        Self { shared: Arc::new(Shared { pool: Arc::default(), connector, trusted }) }
    }
}

impl<B> Service<Request<B>> for Proxy
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let flight = Flight::take(&mut request).expect("the first layer puts it there");
        let switch = headers::upgrade_of(&request);
        let (head, body) = request.into_parts();
        let (body, progress) = RequestBody::new(body);
        let mut request = Request::from_parts(head, body);
        // The request stays where it is put here, until it is sent: whoever was given it would have it moved.
        Box::pin(async move {
            Ok(shared.respond(&mut request, progress.as_deref(), &flight, switch.as_ref()).await)
        })
    }
}

impl Shared {
    /// The answer to a request, whose body's `progress` is looked at, or to one that asks to `switch` to another
    /// protocol.
    async fn respond(
        &self,
        request: &mut Request<RequestBody>,
        progress: Option<&Progress>,
        flight: &Flight,
        switch: Option<&HeaderValue>,
    ) -> Answer {
        let client = flight.peer.handover.as_deref().filter(|_| switch.is_some());
        let steered = flight.may_be_steered();
        let redirect = steered && request.extensions().get::<InternalRedirect>().is_some();
        let elsewhere = redirect.then(|| Box::new(routing::again(request, flight, &self.trusted)));
        let matched = elsewhere.as_deref().or(flight.matched());
        let route = matched.and_then(|matched| Some((matched, flight.route_of(matched)?)));
        let Some((matched, route)) = route else {
            return answer::own(answer::no_route());
        };
        if let Some(refusal) = &matched.refusal {
            return answer::own(answer::refusal(refusal));
        }
        let wishes = Wishes::of(request);
        let upstream = steered.then(|| request.extensions_mut().remove::<Upstream>()).flatten();
        let callback =
            steered.then(|| request.extensions_mut().remove::<RetryCallback>()).flatten();
        let Some(mut plan) = plan(route, upstream.as_ref()) else {
            return answer::own(answer::no_service());
        };
        let turn = match balancer(&plan, upstream.as_ref(), flight) {
            None => Ok(None),
            Some(balancer) => {
                let hashed = Hashed::of(balancer.upstream(), request, flight, matched);
                // Boxed: most services have no upstream.
                Box::pin(Turn::take(self, balancer, hashed, plan.to_mut())).await.map(Some)
            }
        };
        let failed = |failure: &Failure| answer::own(answer::failure(failure, &wishes, &flight.id));
        let mut turn = match turn {
            Ok(turn) => turn,
            Err(failure) => return failed(&failure),
        };
        let prepared = self.prepare(request, flight, matched, &plan, upstream.as_ref());
        if let Err(error) = prepared {
            tracing::error!("cannot forward: {error}");
            return failed(&Failure::Invalid);
        }
        if let Some(protocol) = switch.cloned() {
            headers::switch_to(request.headers_mut(), protocol);
        }
        let callback = callback.as_ref();
        let exchanged = match &mut turn {
            Some(turn) if callback.is_none() => {
                Box::pin(self.exchange_among(request, plan.to_mut(), turn, progress, flight)).await
            }
            _ => self.exchange(request, &plan, progress, flight, callback).await,
        };
        let answer = match exchanged {
            Ok(response) => tunnel::answer(response, client).map(Either::Left),
            Err(failure) => {
                tracing::error!("cannot reach the service {}: {failure}", plan.target);
                failed(&failure)
            }
        };
        if steered {
            let at = || Tried::At(Arc::clone(&plan.target), answer.status());
            flight.try_at(turn.map_or_else(at, |turn| Tried::Among(turn.tries())));
        }
        answer
    }

    /// Makes the head of a request what the service gets.
    fn prepare(
        &self,
        request: &mut Request<RequestBody>,
        flight: &Flight,
        matched: &Matched,
        plan: &Plan,
        upstream: Option<&Upstream>,
    ) -> Result<(), BoxError> {
        let Some(route) = flight.route_of(matched) else { return Ok(()) };
        // First, while there are few headers to look at.
        headers::remove_hop_by_hop(request.headers_mut(), plan.target.is_http2());
        if request.version() == Version::HTTP_2 {
            headers::join_cookies(request.headers_mut());
        }
        // Room for all that is added, rather than twice for a part of it.
        request.headers_mut().reserve(ADDED);
        let host = headers::host_of(request);
        headers::add_forwarded(
            request,
            flight,
            matched,
            route.treatment.strips_path,
            &self.trusted,
        );
        // What functions have set of these stands in the place of the gateway's own.
        for (name, value) in upstream.into_iter().flat_map(Upstream::headers) {
            let value = Some(value).filter(|value| !value.is_empty());
            headers::set(request.headers_mut(), name.clone(), value.cloned());
        }
        let path = upstream_path(request.uri(), matched, route, upstream)?;
        let via = via(request.version());
        request.headers_mut().insert(header::VIA, via);
        let asked = upstream.and_then(Upstream::host).cloned();
        let kept = host.filter(|_| route.treatment.preserves_host);
        let host = asked.or(kept).unwrap_or_else(|| plan.target.authority().clone());
        if plan.target.is_http2() {
            let mut parts = http::uri::Parts::default();
            parts.scheme = Some(plan.target.scheme());
            parts.authority = Some(host.as_bytes().try_into()?);
            parts.path_and_query = Some(path);
            *request.uri_mut() = Uri::from_parts(parts)?;
            request.headers_mut().remove(header::HOST);
            *request.version_mut() = Version::HTTP_2;
        } else {
            *request.uri_mut() = Uri::from(path);
            request.headers_mut().insert(header::HOST, host);
            *request.version_mut() = Version::HTTP_11;
        }
        Ok(())
    }
}

/// Where a request goes and how long it may take: as its service has it, and as functions want.
fn plan<'a>(route: &'a RouteInForce, upstream: Option<&Upstream>) -> Option<Cow<'a, Plan>> {
    let plan = route.plan()?;
    let Some(upstream) = upstream else { return Some(Cow::Borrowed(plan)) };
    let mut plan = plan.clone();
    // A host that is none cannot be connected to, as one that nobody knows.
    if let Some(target) = Target::asked(&plan.target, upstream).ok()? {
        plan.target = Arc::new(target);
    }
    plan.retries = upstream.retries().unwrap_or(plan.retries);
    if let Some(timeouts) = upstream.timeouts() {
        plan.timeouts = timeouts.into();
    }
    Some(Cow::Owned(plan))
}

/// The upstream whose targets a request is for, if that is what its service's host, or a function, names.
fn balancer(plan: &Plan, upstream: Option<&Upstream>, flight: &Flight) -> Option<Arc<Balancer>> {
    let is_named = upstream.is_some_and(|upstream| upstream.name().is_some());
    let is_elsewhere = upstream.is_some_and(|upstream| upstream.target().is_some());
    if !(plan.is_balanced || is_named) || is_elsewhere {
        return None;
    }
    flight.snapshot().balancer(&plan.target.key().host).cloned()
}

/// The path and query that the service gets.
fn upstream_path(
    uri: &Uri,
    matched: &Matched,
    route: &RouteInForce,
    upstream: Option<&Upstream>,
) -> Result<PathAndQuery, BoxError> {
    if let Some(whole) = uri.path_and_query().filter(|_| upstream.is_some_and(Upstream::has_path)) {
        return Ok(whole.clone());
    }
    if let Some(set) = matched.set_path.as_ref().filter(|_| uri.path() == matched.uri.path()) {
        let has_own_query = set.query() != matched.uri.query();
        return match uri.query() {
            query if has_own_query || query == set.query() => Ok(set.clone()),
            Some(query) => Ok(format!("{}?{query}", set.path()).try_into()?),
            None => Ok(set.path().try_into()?),
        };
    }
    let path = matched.path_for(uri, route);
    if let Some(whole) = uri.path_and_query().filter(|whole| whole.path().as_bytes() == &*path) {
        return Ok(whole.clone());
    }
    let mut path = path.into_owned();
    if let Some(query) = uri.query() {
        path.push(b'?');
        path.extend_from_slice(query.as_bytes());
    }
    Ok(PathAndQuery::from_maybe_shared(Bytes::from(path))?)
}
