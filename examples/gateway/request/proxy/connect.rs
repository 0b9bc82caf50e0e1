//! A new connection to a service.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::pool::Sender;
use super::tls::{Roots, TlsConfigs};
use crate::BoxError;
use crate::in_force::target::{Key, Target};
use crate::request::head_names::HeadNames;
use crate::request::listen::{LONGEST, LONGEST_LIST, MOST_FIELDS};
use crate::request::patience::Patience;
use crate::request::socket::Socket;
use crate::request::wire::Wire;
use crate::resolver::Resolver;

/// Makes connections.
pub(super) struct Connector {
    tls: TlsConfigs,
    resolver: Resolver,
    /// Who is connected to in the place of all services.
    stand_in: Option<Arc<StandIn>>,
}

/// Gives the gateway's end of a connection to a target.
pub(crate) type StandIn = dyn Fn(&Target) -> DuplexStream + Send + Sync;

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum ConnectError {
    /// Nobody knows the name.
    Name(io::Error),
    TimedOut,
    Failed(BoxError),
}

impl Connector {
    pub(super) fn new(roots: &Roots, resolver: Resolver) -> Self {
        Self { tls: TlsConfigs::new(roots), resolver, stand_in: None }
    }

    /// Connects to nobody but `stand_in`.
    pub(super) fn over(roots: &Roots, stand_in: Arc<StandIn>) -> Self {
        Self { stand_in: Some(stand_in), ..Self::new(roots, Resolver::Nobody) }
    }

    pub(super) const fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// Connects to the `attempt`th address of a service, counted from 0.
    pub(super) async fn connect(
        &self,
        target: &Target,
        attempt: usize,
        timeout: Duration,
    ) -> Result<Sender, ConnectError> {
        tokio::time::timeout(timeout, self.connect_now(target, attempt))
            .await
            .unwrap_or(Err(ConnectError::TimedOut))
    }

    async fn connect_now(&self, target: &Target, attempt: usize) -> Result<Sender, ConnectError> {
        let key = target.key();
        let addr = self.resolve(key, attempt).await.map_err(ConnectError::Name)?;
        if let Some(stand_in) = &self.stand_in {
            target.see(addr);
            return handshake(stand_in(target), key).await;
        }
        let stream = TcpStream::connect(addr).await.map_err(failed)?;
        let _ = stream.set_nodelay(true);
        let stream = Socket::new(stream);
        target.see(addr);
        let Some(tls) = &key.tls else { return handshake(stream, key).await };
        let host = tls.name.as_deref().unwrap_or_else(|| key.host.trim_matches(['[', ']']));
        let name = ServerName::try_from(host.to_owned()).map_err(failed)?;
        let connector = TlsConnector::from(self.tls.for_service(key.http2, tls));
        let stream = connector.connect(name, stream).await.map_err(failed)?;
        handshake(stream, key).await
    }

    /// An address of the service. Several are taken in turn, one an attempt.
    async fn resolve(&self, key: &Key, attempt: usize) -> io::Result<SocketAddr> {
        let host = key.host.trim_matches(['[', ']']);
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(SocketAddr::new(ip, key.port));
        }
        let (addresses, _) = self.resolver.addresses(host).await?;
        Ok(SocketAddr::new(addresses[attempt % addresses.len()], key.port))
    }
}

async fn handshake<S>(stream: S, key: &Key) -> Result<Sender, ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    if key.http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.max_header_list_size(LONGEST_LIST);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(failed)?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("connection to a service broke: {error}");
            }
        });
        return Ok(Sender::Http2(sender, Patience::default()));
    }
    let mut builder = http1::Builder::new();
    builder.max_header_size(LONGEST).max_headers(MOST_FIELDS).title_case_headers(true);
    let names = Arc::new(HeadNames::of_service());
    let stream = TokioIo::new(Wire::new(stream, Arc::clone(&names)));
    let (sender, connection) = builder.handshake(stream).await.map_err(failed)?;
    tokio::spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!("connection to a service broke: {error}");
        }
    });
    Ok(Sender::Http1(sender, names, Patience::default()))
}

fn failed(error: impl Into<BoxError>) -> ConnectError {
    ConnectError::Failed(error.into())
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => write!(f, "name resolution failed: {error}"),
            Self::TimedOut => f.write_str("the connection timed out"),
            Self::Failed(error) => write!(f, "cannot connect: {error}"),
        }
    }
}
