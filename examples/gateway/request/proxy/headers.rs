//! What the gateway tells services of their clients, and what it keeps to itself.

use http::header::{self, Entry, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Version};
use hyper::upgrade::OnUpgrade;

use crate::in_force::router::split_port;
use crate::request::edge::REQUEST_ID;
use crate::request::flight::{Flight, Matched};
use crate::request::hop_by_hop;
use crate::request::peer;
use crate::request::trusted::{FORWARDED_PROTO, Trusted};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const FORWARDED_PATH: HeaderName = HeaderName::from_static("x-forwarded-path");
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// The host that a request names, as it names it.
pub(super) fn host_of<B>(request: &Request<B>) -> Option<HeaderValue> {
    match request.uri().authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
        None => request.headers().get(header::HOST).cloned(),
    }
}

/// Tells the service about the client, as Kong does.
pub(super) fn add_forwarded<B>(
    request: &mut Request<B>,
    flight: &Flight,
    matched: &Matched,
    strips: bool,
    trusted: &Trusted,
) {
    let peer = &*flight.peer;
    let is_trusted = trusted.trusts(peer);
    let is_peer = flight.client == peer.connection.peer_addr().ip();
    let client = if is_peer { peer.address.clone() } else { peer::address(flight.client) };
    let path = matched.uri.path();
    let prefix = matched.prefix.filter(|_| strips).and_then(|length| {
        let path = crate::request::uri::normalize(path);
        HeaderValue::from_bytes(path.get(..length)?).ok()
    });
    let path = HeaderValue::from_str(path).ok();
    let host = host_of(request).and_then(without_port);
    let headers = request.headers_mut();
    add_to_chain(headers, &peer.address);
    for (name, value) in [
        (FORWARDED_PROTO, Some(peer.protocol.clone())),
        (FORWARDED_HOST, host),
        (FORWARDED_PORT, peer.port.clone()),
        (FORWARDED_PATH, path),
        (FORWARDED_PREFIX, prefix),
    ] {
        if !(is_trusted && headers.contains_key(&name)) {
            set(headers, name, value);
        }
    }
    headers.insert(REAL_IP, client);
    headers.insert(REQUEST_ID, flight.id_value.clone());
}

/// The name of a host, in lower case.
fn without_port(host: HeaderValue) -> Option<HeaderValue> {
    let text = host.to_str().ok()?;
    let (name, _) = split_port(text);
    if name.len() == text.len() && !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some(host);
    }
    HeaderValue::try_from(name.to_ascii_lowercase()).ok()
}

/// Sets a header, or removes it.
pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    match value {
        Some(value) => headers.insert(name, value),
        None => headers.remove(name),
    };
}

fn add_to_chain(headers: &mut HeaderMap, peer: &HeaderValue) {
    let mut before = match headers.entry(FORWARDED_FOR) {
        Entry::Vacant(place) => {
            place.insert(peer.clone());
            return;
        }
        Entry::Occupied(before) => before,
    };
    let readable = before.iter().filter(|value| value.to_str().is_ok());
    let chain: Vec<_> = readable.chain([peer]).map(HeaderValue::as_bytes).collect();
    // What headers are made of is one when it is joined.
    let chain = HeaderValue::from_bytes(&chain.join(&b", "[..]));
    before.insert(chain.unwrap_or_else(|_| peer.clone()));
}

/// The protocol that a client asks to switch to.
///
/// What functions say does not count: the client would not know what it is in for.
pub(super) fn upgrade_of<B>(request: &Request<B>) -> Option<HeaderValue> {
    if request.version() != Version::HTTP_11 {
        return None;
    }
    request.extensions().get::<OnUpgrade>()?;
    let upgrade = request.headers().get(header::UPGRADE)?;
    let mut options = hop_by_hop::connection_options(request.headers());
    options.any(|option| option.eq_ignore_ascii_case("upgrade")).then(|| upgrade.clone())
}

/// Asks for, or grants, another protocol.
pub(super) fn switch_to(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, protocol);
}

/// Removes what is between two neighbours only (RFC 9110, section 7.6.1).
///
/// Where trailers pass, as they do for gRPC, a client's `TE: trailers` does, too.
pub(super) fn remove_hop_by_hop(headers: &mut HeaderMap, keeps_trailers: bool) {
    let wants_trailers = || headers.get(header::TE).is_some_and(|te| te == "trailers");
    let kept = (keeps_trailers && wants_trailers()).then_some(&header::TE);
    hop_by_hop::remove_hop_by_hop(headers, kept);
}

/// Makes one header of the several that HTTP/2 has for cookies.
pub(super) fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(header::COOKIE).iter().nth(1).is_none() {
        return;
    }
    let crumbs: Vec<_> =
        headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    let joined = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]));
    set(headers, header::COOKIE, joined.ok());
}
