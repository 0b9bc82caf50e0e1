//! What trusted proxies say of their clients: by the rule that functions ask for, too.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName};
use tower_lua::Runtime;

use super::peer::Peer;

pub(crate) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Which proxies are believed, as the runtime knows them.
#[derive(Clone)]
pub(crate) struct Trusted(Runtime);

impl Trusted {
    pub(crate) fn new(runtime: Runtime) -> Self {
        Self(runtime)
    }

    pub(crate) fn trusts(&self, peer: &Peer) -> bool {
        self.0.trusts(peer.connection.peer_addr().ip())
    }

    /// The address of the client: the peer's, or what a trusted proxy says in its header.
    pub(crate) fn client(&self, peer: &Peer, headers: &HeaderMap) -> IpAddr {
        self.0.client_ip(&peer.connection, headers)
    }
}

/// Whether the client came by HTTPS, if need be as a trusted proxy says.
pub(crate) fn is_https(headers: &HeaderMap, peer: &Peer, trusted: &Trusted) -> bool {
    let said = headers.get(FORWARDED_PROTO).filter(|_| trusted.trusts(peer));
    match said {
        Some(said) => said.as_bytes().eq_ignore_ascii_case(b"https"),
        None => peer.connection.is_tls(),
    }
}
