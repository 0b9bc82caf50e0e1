//! What trusted proxies say of their clients: by the rule that functions ask for, too.

use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderName, Request};
use tower_lua::{Connection, Runtime};

pub(crate) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Which proxies are believed, as the runtime knows them.
#[derive(Clone)]
pub(crate) struct Trusted(Runtime);

impl Trusted {
    pub(crate) fn new(runtime: Runtime) -> Self {
        Self(runtime)
    }

    pub(crate) fn trusts(&self, connection: Option<&Connection>) -> bool {
        connection.is_some_and(|connection| self.0.trusts(connection.peer_addr().ip()))
    }

    /// The address of the client: the peer's, or what a trusted proxy says in its header.
    pub(crate) fn client<B>(&self, request: &Request<B>) -> Option<IpAddr> {
        let connection = request.extensions().get::<Connection>()?;
        Some(self.0.client_ip(connection, request.headers()))
    }
}

/// Whether the client came by HTTPS, if need be as a trusted proxy says.
pub(crate) fn is_https(head: &Parts, trusted: &Trusted) -> bool {
    let connection = head.extensions.get::<Connection>();
    let said = head.headers.get(FORWARDED_PROTO).filter(|_| trusted.trusts(connection));
    match said {
        Some(said) => said.as_bytes().eq_ignore_ascii_case(b"https"),
        None => connection.is_some_and(Connection::is_tls),
    }
}
