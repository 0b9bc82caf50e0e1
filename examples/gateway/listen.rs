//! Listening sockets, connections, and the end of both.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::{Service, ServiceExt};
use tower_lua::{Connection, RequestId};

use crate::BoxError;

/// A socket that listens.
pub(crate) struct Listener {
    socket: TcpListener,
    addr: SocketAddr,
}

impl Listener {
    /// Listens on each address of a list as Kong has it: `127.0.0.1:8000, 0.0.0.0:80 reuseport`.
    pub(crate) async fn bind_all(list: &str) -> Result<Vec<Self>, BoxError> {
        let mut listeners = Vec::new();
        for entry in list.split(',').map(str::trim) {
            let mut words = entry.split_whitespace();
            match words.next() {
                None | Some("off") => {}
                Some(_) if words.any(|word| word == "ssl") => {
                    return Err(format!("'{entry}': TLS is not supported yet").into());
                }
                Some(addr) => listeners.push(Self::bind(addr).await?),
            }
        }
        Ok(listeners)
    }

    async fn bind(addr: &str) -> Result<Self, BoxError> {
        let socket = TcpListener::bind(addr)
            .await
            .map_err(|error| format!("cannot listen on '{addr}': {error}"))?;
        Ok(Self { addr: socket.local_addr()?, socket })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves connections in the background until `stop` closes, then those that have a request in
    /// flight to its end.
    pub(crate) fn serve<S, B>(self, service: S, mut stop: watch::Receiver<()>)
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        tokio::spawn(async move {
            let graceful = GracefulShutdown::new();
            loop {
                tokio::select! {
                    accepted = self.socket.accept() => match accepted {
                        Ok((stream, peer)) => {
                            let connection = Connection::new(peer).with_local_addr(self.addr);
                            serve_connection(stream, connection, service.clone(), &graceful);
                        }
                        // Out of file descriptors, most likely: some will be free in a while.
                        Err(error) => {
                            tracing::error!("cannot accept a connection: {error}");
                            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                        }
                    },
                    _ = stop.changed() => break,
                }
            }
            graceful.shutdown().await;
            drop(stop);
        });
    }
}

fn serve_connection<S, B>(
    stream: TcpStream,
    connection: Connection,
    service: S,
    graceful: &GracefulShutdown,
) where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    // A small answer must not wait for the client to acknowledge the one before.
    let _ = stream.set_nodelay(true);
    let service = service.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(connection);
        request.extensions_mut().insert(RequestId::random());
        request
    });
    let watcher = graceful.watcher();
    tokio::spawn(async move {
        let builder = auto::Builder::new(TokioExecutor::new());
        let service = TowerToHyperService::new(service);
        let served = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(served).await {
            tracing::debug!("connection broke: {error}");
        }
    });
}

/// Waits until the process is told to stop.
pub(crate) async fn signal() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
