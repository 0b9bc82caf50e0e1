//! Looks for the route of a request, and notes it for all layers that follow.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, HOST};
use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, Method, Request, StatusCode, Uri, Version};
use tower_lua::{InternalRedirect, Upstream};

use crate::in_force::router::{Found, Query, RequestHost, split_port};
use crate::in_force::snapshot::RouteInForce;
use crate::request::flight::{Flight, Matched, Refusal};
use crate::request::peer::Peer;
use crate::request::trusted::{Trusted, is_https};
use crate::request::uri;

/// What a route is looked for by.
struct Asked<'a> {
    method: &'a Method,
    uri: &'a Uri,
    version: Version,
    headers: &'a HeaderMap,
}

impl<'a> Asked<'a> {
    fn of<B>(request: &'a Request<B>) -> Self {
        let (method, uri) = (request.method(), request.uri());
        Self { method, uri, version: request.version(), headers: request.headers() }
    }
}

/// Finds the route of `request`, and tells its companion.
pub(crate) fn route<B>(request: &Request<B>, flight: &Flight, trusted: &Trusted) {
    flight.route(look(&Asked::of(request), flight, trusted));
}

/// The same where functions of `rewrite` have run: what they have set for the service says nothing of which service
/// it is.
pub(crate) fn route_rewritten<B>(request: &mut Request<B>, trusted: &Trusted) {
    let flight = Arc::clone(Flight::of(request).expect("the first layer puts it there"));
    let requested = requested_uri(request.extensions_mut());
    let set_path = requested.and_then(|requested| replace(request.uri_mut(), requested));
    // This is where it was led.
    request.extensions_mut().remove::<InternalRedirect>();
    flight.route(Matched { set_path, ..look(&Asked::of(request), &flight, trusted) });
}

/// The route of a request that a function has led elsewhere, by `ngx.exec`.
//
// Kong: begins again with the plugins of the new route. Here those of the first have run, and no
// others do.
pub(crate) fn again<B>(request: &mut Request<B>, flight: &Flight, trusted: &Trusted) -> Matched {
    let requested = requested_uri(request.extensions_mut());
    let set_path = requested.and_then(|requested| replace(request.uri_mut(), requested));
    Matched { set_path, ..look(&Asked::of(request), flight, trusted) }
}

/// The URI that a route is looked for by, of a request with a path that functions have set for the service.
fn requested_uri(extensions: &mut Extensions) -> Option<Uri> {
    extensions.get_mut::<Upstream>()?.take_requested_uri()
}

/// Gives a request another URI. The path and query that it had.
fn replace(uri: &mut Uri, requested: Uri) -> Option<PathAndQuery> {
    std::mem::replace(uri, requested).into_parts().path_and_query
}

fn look(asked: &Asked<'_>, flight: &Flight, trusted: &Trusted) -> Matched {
    let uri = asked.uri.clone();
    let Some(Found { route, prefix, captures }) = find(asked, flight) else {
        return Matched { uri, ..Matched::default() };
    };
    let refusal = refusal(asked, flight.snapshot().route(route), &flight.peer, trusted);
    Matched { route: Some(route), prefix, captures, refusal, uri, set_path: None }
}

fn find(asked: &Asked<'_>, flight: &Flight) -> Option<Found> {
    let is_tls = flight.peer.connection.is_tls();
    let snapshot = flight.snapshot();
    let host = if snapshot.asks_for_host() { host_of(asked) } else { Cow::default() };
    let path = uri::normalize(asked.uri.path());
    snapshot.find(&Query {
        method: asked.method.as_str(),
        host: RequestHost::new(&host, is_tls),
        path: &path,
        headers: asked.headers,
        is_tls,
        sni: flight.peer.server_name.as_deref(),
    })
}

/// The host and port that a request names, in lower case.
fn host_of<'a>(asked: &Asked<'a>) -> Cow<'a, str> {
    let header = || asked.headers.get(HOST)?.to_str().ok();
    let named = asked.uri.authority().map(http::uri::Authority::as_str).or_else(header);
    let named = named.unwrap_or_default();
    let named = named.rsplit_once('@').map_or(named, |(_, host)| host);
    if named.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(named.to_ascii_lowercase())
    } else {
        Cow::Borrowed(named)
    }
}

/// Whether the request may come the way it does.
fn refusal(
    asked: &Asked<'_>,
    route: &RouteInForce,
    peer: &Peer,
    trusted: &Trusted,
) -> Option<Refusal> {
    if route.treatment.needs_tls && !is_https(asked.headers, peer, trusted) {
        let status = route.route.https_redirect_status_code;
        return Some(match StatusCode::from_u16(status) {
            Ok(status) if status.is_redirection() => {
                let host = host_of(asked);
                let (host, _) = split_port(&host);
                let path = asked.uri.path_and_query().map_or("/", |path| path.as_str());
                Refusal::Redirect { status, location: format!("https://{host}{path}") }
            }
            _ => Refusal::NeedsHttps,
        });
    }
    if route.treatment.needs_grpc {
        if asked.version != Version::HTTP_2 {
            return Some(Refusal::NeedsHttp2);
        }
        let kind = asked.headers.get(CONTENT_TYPE);
        if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc")) {
            return Some(Refusal::NeedsGrpc);
        }
    }
    None
}
