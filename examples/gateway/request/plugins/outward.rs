//! Connections to servers that are no services: those that plugins keep something on.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::resolver::Resolver;

/// Makes connections.
pub(crate) struct Outward {
    resolver: Resolver,
    verifying: TlsConnector,
    trusting: TlsConnector,
}

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Option<Tls>,
}

/// How a connection is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tls {
    /// Whether the server's certificate is looked at.
    pub(super) verify: bool,
    /// Whose it must be.
    pub(super) name: String,
}

impl Outward {
    /// Connections to what `resolver` knows, by what verifies certificates and by what believes all.
    pub(crate) fn new(resolver: Resolver, [verifying, trusting]: [ClientConfig; 2]) -> Self {
        let connector = |config| TlsConnector::from(Arc::new(config));
        Self { resolver, verifying: connector(verifying), trusting: connector(trusting) }
    }

    pub(super) async fn connect(&self, server: &Server) -> io::Result<Box<dyn Stream>> {
        let stream = self.reach(server.host.trim_matches(['[', ']']), server.port).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &server.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from(tls.name.trim_matches(['[', ']']).to_owned());
        let name = name.map_err(io::Error::other)?;
        let connector = if tls.verify { &self.verifying } else { &self.trusting };
        Ok(Box::new(connector.connect(name, stream).await?))
    }

    /// The first of a server's addresses that answers.
    async fn reach(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return TcpStream::connect((ip, port)).await;
        }
        let (addresses, _) = self.resolver.addresses(host).await?;
        let mut failure = io::Error::from(io::ErrorKind::NotFound);
        for address in addresses {
            match TcpStream::connect((address, port)).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}
