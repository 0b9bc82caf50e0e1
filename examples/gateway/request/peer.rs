//! [`Peer`]: who is at the other end of a connection, as its requests need to say it.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderValue;
use tower_lua::{Connection, RequestId, Tls};

use super::handover::Handover;

/// What is the same for all requests of a connection, made when it is accepted.
pub(crate) struct Peer {
    pub(crate) connection: Connection,
    pub(crate) tls: Option<Tls>,
    /// The server name that the client asked for in its TLS handshake.
    pub(crate) server_name: Option<Arc<str>>,
    /// As headers have them: the client's address, the port that it has reached, the protocol.
    pub(crate) address: HeaderValue,
    pub(crate) port: Option<HeaderValue>,
    pub(crate) protocol: HeaderValue,
    /// The id of the request whose function makes this one, where it is a subrequest.
    pub(crate) maker: Option<RequestId>,
    /// By which the connection is given away, in HTTP/1.
    pub(crate) handover: Option<Arc<Handover>>,
}

impl Peer {
    pub(crate) fn new(
        connection: Connection,
        tls: Option<Tls>,
        server_name: Option<Arc<str>>,
    ) -> Self {
        let protocol = HeaderValue::from_static(if connection.is_tls() { "https" } else { "http" });
        Self {
            address: address(connection.peer_addr().ip()),
            port: connection.local_addr().map(|local| local.port().into()),
            protocol,
            connection,
            tls,
            server_name,
            maker: None,
            handover: None,
        }
    }

    /// The same for a connection that is given away when `handover` says so.
    pub(crate) fn with_handover(self, handover: Arc<Handover>) -> Self {
        Self { handover: Some(handover), ..self }
    }

    /// The same for a subrequest of the request `id`.
    pub(crate) fn of_subrequest(self, id: RequestId) -> Self {
        Self { maker: Some(id), ..self }
    }

    /// Whether a function has asked for the connection.
    pub(crate) fn is_given_away(&self) -> bool {
        self.handover.as_ref().is_some_and(|handover| handover.is_asked())
    }
}

/// An address as headers have it.
pub(crate) fn address(ip: IpAddr) -> HeaderValue {
    HeaderValue::try_from(ip.to_string()).expect("digits, dots and colons")
}
