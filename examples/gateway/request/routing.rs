//! Looks for the route of a request, and notes it for all layers that follow.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Request, StatusCode, Uri, Version};
use tower_lua::{InternalRedirect, Upstream, UpstreamUri, UriCaptures};

use crate::in_force::router::{Found, Query, RequestHost, split_port};
use crate::in_force::snapshot::RouteInForce;
use crate::request::flight::{Flight, Matched, Refusal};
use crate::request::peer::Peer;
use crate::request::trusted::{Trusted, is_https};
use crate::request::uri::{self, PathHandling};

/// Finds the route of `request`.
pub(crate) fn route<B>(request: Request<B>, trusted: &Trusted) -> Request<B> {
    let (mut head, body) = request.into_parts();
    let flight: Arc<Flight> =
        head.extensions.get().cloned().expect("the first layer puts it there");
    // What functions of `rewrite` have set for the service says nothing of which service it is.
    let steered = flight.may_have_been_rewritten();
    let set_path = steered.then(|| take_set_path(&mut head)).flatten();
    if steered {
        // This is where it was led.
        head.extensions.remove::<InternalRedirect>();
    }
    let (mut matched, captures) = look(&head, &flight, trusted);
    let mut routed = None;
    if let Some(captures) = captures {
        head.extensions.insert(captures);
    }
    if let Some(route) = matched.route.as_ref().filter(|route| route.chain.has_functions()) {
        let uri = match &set_path {
            Some(path) => UpstreamUri::new(path.path()),
            None => {
                let path = routed_path(&matched.uri, &matched, route);
                let uri = UpstreamUri::new(&String::from_utf8_lossy(&path));
                if let Cow::Owned(path) = path {
                    routed = Some(path);
                }
                uri
            }
        };
        head.extensions.insert(uri);
        if let Some(route) = route.known() {
            head.extensions.insert(route.clone());
        }
        if let Some(service) = route.known_service() {
            head.extensions.insert(service.clone());
        }
    }
    matched.set_path = set_path;
    matched.path = routed;
    flight.route(matched);
    Request::from_parts(head, body)
}

/// The route of a request that a function has led elsewhere, by `ngx.exec`.
//
// Kong: begins again with the plugins of the new route. Here those of the first have run, and no
// others do.
pub(crate) fn again(head: &mut Parts, flight: &Flight, trusted: &Trusted) -> Matched {
    let set_path = take_set_path(head);
    Matched { set_path, ..look(head, flight, trusted).0 }
}

/// The path and query that functions have set for the service. The request has those again then that a
/// route is looked for by.
fn take_set_path(head: &mut Parts) -> Option<PathAndQuery> {
    let requested = head.extensions.get_mut::<Upstream>()?.take_requested_uri()?;
    std::mem::replace(&mut head.uri, requested).into_parts().path_and_query
}

/// Where the service's path and the route's say that a request goes.
pub(crate) fn routed_path<'a>(
    uri: &'a Uri,
    matched: &Matched,
    route: &RouteInForce,
) -> Cow<'a, [u8]> {
    let base = route.service().and_then(|service| service.path.as_deref());
    let is_v1 = route.route.path_handling == "v1";
    let handling = if is_v1 { PathHandling::V1 } else { PathHandling::V0 };
    let path = uri::normalize(uri.path());
    let strips = route.route.strip_path;
    if base.is_none() && !strips && path.starts_with(b"/") {
        // It stays what it is, by either handling.
        return uri::escape(path);
    }
    Cow::Owned(uri::upstream_path(handling, strips, base, &path, matched.prefix))
}

fn look(head: &Parts, flight: &Flight, trusted: &Trusted) -> (Matched, Option<UriCaptures>) {
    let mut matched = Matched { uri: head.uri.clone(), ..Matched::default() };
    let Some((route, Found { prefix, captures, .. })) = find(head, flight) else {
        return (matched, None);
    };
    matched.refusal = refusal(head, &route, &flight.peer, trusted);
    matched.prefix = prefix;
    matched.route = Some(route);
    (matched, captures)
}

fn find(head: &Parts, flight: &Flight) -> Option<(Arc<RouteInForce>, Found)> {
    let is_tls = flight.peer.connection.is_tls();
    let snapshot = flight.snapshot();
    let host = if snapshot.asks_for_host() { host_of(head) } else { Cow::default() };
    let path = uri::normalize(head.uri.path());
    snapshot.find(&Query {
        method: head.method.as_str(),
        host: RequestHost::new(&host, is_tls),
        path: &path,
        headers: &head.headers,
        is_tls,
        sni: flight.peer.server_name.as_deref(),
    })
}

/// The host and port that a request names, in lower case.
fn host_of(head: &Parts) -> Cow<'_, str> {
    let header = || head.headers.get(HOST)?.to_str().ok();
    let named = head.uri.authority().map(http::uri::Authority::as_str).or_else(header);
    let named = named.unwrap_or_default();
    let named = named.rsplit_once('@').map_or(named, |(_, host)| host);
    if named.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(named.to_ascii_lowercase())
    } else {
        Cow::Borrowed(named)
    }
}

/// Whether the request may come the way it does.
fn refusal(head: &Parts, route: &RouteInForce, peer: &Peer, trusted: &Trusted) -> Option<Refusal> {
    let speaks = |protocol: &str| route.route.protocols.iter().any(|spoken| spoken == protocol);
    let needs_tls = (speaks("https") && !speaks("http")) || (speaks("grpcs") && !speaks("grpc"));
    if needs_tls && !is_https(head, peer, trusted) {
        let status = route.route.https_redirect_status_code;
        return Some(match StatusCode::from_u16(status) {
            Ok(status) if status.is_redirection() => {
                let host = host_of(head);
                let (host, _) = split_port(&host);
                let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
                Refusal::Redirect { status, location: format!("https://{host}{path}") }
            }
            _ => Refusal::NeedsHttps,
        });
    }
    if speaks("grpc") || speaks("grpcs") {
        if head.version != Version::HTTP_2 {
            return Some(Refusal::NeedsHttp2);
        }
        let kind = head.headers.get(CONTENT_TYPE);
        if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc")) {
            return Some(Refusal::NeedsGrpc);
        }
    }
    None
}
