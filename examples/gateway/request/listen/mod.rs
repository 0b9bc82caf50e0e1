//! Connections of clients: how they begin, and how they end.

mod flags;
mod heads;
mod http1;
mod served;
mod socket;
mod stop;
mod timer;
mod tls;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::Service;
use tower_lua::{Connection, Tls};

pub(crate) use self::flags::{Address, addresses};
pub(crate) use self::heads::{LONGEST, LONGEST_LIST, MOST_FIELDS};
use self::served::Served;
pub(crate) use self::socket::Listener;
use self::stop::Stop;
use self::timer::HeadTimer;
pub(crate) use self::tls::TlsAcceptor;
use crate::BoxError;
use crate::request::counters::Counters;
use crate::request::handover::Handover;
use crate::request::head_names::HeadNames;
use crate::request::peer::Peer;
use crate::request::socket::Socket;
use crate::request::wire::Wire;

/// How connections are served.
#[derive(Clone)]
pub(crate) struct Server {
    /// For those listeners that are encrypted.
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) counters: Option<Arc<Counters>>,
    /// How many a worker has at a time; more wait to be accepted.
    pub(crate) max_connections: usize,
}

/// How long a client may take to say hello, and to send the head of a request: nginx's
/// `client_header_timeout`.
const PATIENCE: Duration = Duration::from_secs(60);

/// What hyper buffers of a connection, at least twice that.
const BUFFER: usize = 64 << 10;

impl Server {
    /// Serves connections until `stop` changes, then those that have a request in flight to its end.
    pub(crate) async fn serve<S, B>(
        self,
        socket: std::net::TcpListener,
        address: Address,
        service: S,
        mut stop: watch::Receiver<()>,
    ) -> io::Result<()>
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let socket = TcpListener::from_std(socket)?;
        let local = socket.local_addr()?;
        let slots = Arc::new(Semaphore::new(self.max_connections));
        let server = Arc::new(self);
        let address = Arc::new(address);
        loop {
            let slot = tokio::select! {
                slot = Arc::clone(&slots).acquire_owned() => slot.expect("never closed"),
                _ = stop.changed() => break,
            };
            let (stream, peer) = tokio::select! {
                accepted = accept(&socket) => accepted,
                _ = stop.changed() => break,
            };
            let client = Client {
                connection: Connection::new(peer).with_local_addr(local).with_tls(address.tls),
                stop: stop.clone(),
                service: service.clone(),
            };
            let (server, address) = (Arc::clone(&server), Arc::clone(&address));
            tokio::spawn(async move {
                let _slot = slot;
                let _open = server.counters.clone().map(Open::new);
                if let Err(error) = server.serve_client(stream, client, &address).await {
                    tracing::debug!("connection broke: {error}");
                }
            });
        }
        drop(socket);
        // Each connection has a slot until it ends.
        let all = u32::try_from(server.max_connections).unwrap_or(u32::MAX);
        let _ = slots.acquire_many(all).await;
        Ok(())
    }

    async fn serve_client<S, B>(
        &self,
        stream: TcpStream,
        client: Client<S>,
        address: &Address,
    ) -> Result<(), BoxError>
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        // A small answer must not wait for the client to acknowledge the one before.
        let _ = stream.set_nodelay(true);
        let Some(acceptor) = self.tls.as_ref().filter(|_| address.tls) else {
            let is_http2 = tokio::time::timeout(PATIENCE, begins_http2(&stream)).await??;
            return client.serve(Socket::new(stream), is_http2, None, None).await;
        };
        // Boxed, as all that few connections need: each would carry about the room that it takes.
        let accepted =
            Box::pin(acceptor.accept(Socket::new(stream), client.connection, address.http2));
        let accepted = tokio::time::timeout(PATIENCE, accepted).await??;
        let (stream, name) = (accepted.stream, accepted.server_name);
        Box::pin(client.serve(stream, accepted.is_http2, Some(accepted.tls), name)).await
    }
}

/// A connection that was accepted.
struct Client<S> {
    connection: Connection,
    stop: watch::Receiver<()>,
    service: S,
}

impl<S, B> Client<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    async fn serve(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        is_http2: bool,
        tls: Option<Tls>,
        server_name: Option<Arc<str>>,
    ) -> Result<(), BoxError> {
        let peer = Peer::new(self.connection, tls, server_name);
        let stop = Stop::new(self.stop);
        if is_http2 {
            let mut builder = conn::http2::Builder::new(TokioExecutor::new());
            builder
                .timer(TokioTimer::new())
                .max_concurrent_streams(128)
                .max_header_list_size(LONGEST_LIST)
                .keep_alive_interval(PATIENCE);
            let service = Served::new(self.service, peer, None);
            let mut served = Box::pin(builder.serve_connection(TokioIo::new(stream), service));
            tokio::select! {
                ended = served.as_mut() => return Ok(ended?),
                () = stop => served.as_mut().graceful_shutdown(),
            }
            served.await?;
        } else {
            let mut builder = conn::http1::Builder::new();
            builder
                .timer(HeadTimer::default())
                .header_read_timeout(PATIENCE)
                .max_buf_size(BUFFER)
                .max_header_size(LONGEST)
                .max_headers(MOST_FIELDS)
                .title_case_headers(true);
            let names = Arc::new(HeadNames::of_client());
            let handover = Arc::<Handover>::default();
            let peer = peer.with_handover(Arc::clone(&handover));
            let service = Served::new(self.service, peer, Some(Arc::clone(&names)));
            let stream = TokioIo::new(Wire::new(stream, names));
            http1::serve(builder.serve_connection(stream, service), &handover, stop).await?;
        }
        Ok(())
    }
}

/// Accepts a connection; where there is no file descriptor left, some time later.
async fn accept(socket: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match socket.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::error!("cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Whether a client begins as one does that speaks HTTP/2 and knows that the server does.
async fn begins_http2(stream: &TcpStream) -> io::Result<bool> {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut seen = [0; PREFACE.len()];
    loop {
        let count = stream.peek(&mut seen).await?;
        let seen = &seen[..count];
        if count == 0 || !PREFACE.starts_with(seen) {
            return Ok(false);
        }
        if count == PREFACE.len() {
            return Ok(true);
        }
        // What was peeked at stays readable, so there is nothing to wait for but time.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// An open connection, counted.
struct Open(Arc<Counters>);

impl Open {
    fn new(counters: Arc<Counters>) -> Self {
        counters.open();
        Self(counters)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}
