//! Datagram sockets: over UDP or a Unix domain socket.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use parking_lot::Mutex;
use socket2::SockRef;
use tokio::io::{Interest, ReadBuf};
use tokio::net::UdpSocket;
#[cfg(unix)]
use tokio::net::UnixDatagram;
use tokio::time::Sleep;

use super::limits::Ticket;
use super::sockets::{Owned, Sockets};
use super::{Fault, Net, Target, Timeouts};

/// A datagram socket of a function.
pub(crate) struct Datagrams {
    net: Arc<Net>,
    owner: Weak<Sockets>,
    state: Mutex<State>,
}

struct State {
    peer: Option<(Peer, Ticket)>,
    timeout: Duration,
    local: Option<SocketAddr>,
    busy: bool,
}

/// A socket whose peer is set.
enum Peer {
    Udp(Arc<UdpSocket>),
    #[cfg(unix)]
    Unix(UnixDatagram),
}

/// What nginx says of a socket that does something else.
const BUSY: Fault = Fault::new("socket busy");

/// The longest datagram that is received whole, in bytes, as in nginx.
pub(crate) const MAX_DATAGRAM: usize = 8192;

impl Datagrams {
    /// A socket of a request, without a peer.
    pub(crate) fn new(net: &Arc<Net>, owner: &Arc<Sockets>) -> Arc<Self> {
        let state = State { peer: None, timeout: Timeouts::DEFAULT, local: None, busy: false };
        let (net, state) = (Arc::clone(net), Mutex::new(state));
        let socket = Arc::new(Self { net, owner: Arc::downgrade(owner), state });
        owner.add(Arc::downgrade(&socket) as _);
        socket
    }

    /// Whether it is a socket of the request whose sockets `sockets` are.
    pub(crate) fn belongs_to(&self, sockets: &Arc<Sockets>) -> bool {
        std::ptr::eq(self.owner.as_ptr(), Arc::as_ptr(sockets))
    }

    pub(crate) fn set_timeout(&self, timeout: Duration) {
        self.state.lock().timeout = timeout;
    }

    pub(crate) fn bind(&self, local: SocketAddr) {
        self.state.lock().local = Some(local);
    }

    pub(crate) fn close(&self) -> Result<(), Fault> {
        let mut state = self.state.lock();
        state.open()?;
        state.peer = None;
        Ok(())
    }

    /// Says whom the socket speaks to.
    pub(crate) fn set_peer(
        self: &Arc<Self>,
        target: Target,
        owner: &Sockets,
    ) -> Result<impl Future<Output = Result<(), Fault>> + Send + use<>, Fault> {
        let mut state = self.state.lock();
        if state.busy {
            return Err(BUSY);
        }
        state.peer = None;
        drop(state);
        if self.net.reach.network.is_off() {
            return Err(Fault::refused(&target));
        }
        if owner.open() >= self.net.reach.limits.sockets_per_request {
            return Err(Fault::new("too many open sockets in this request"));
        }
        let busy = Busy::new(self);
        Ok(async move { busy.open(&target).await })
    }

    /// Sends one datagram. It is gone at once, or lost.
    pub(crate) fn send(&self, data: &[u8]) -> Result<(), Fault> {
        let mut state = self.state.lock();
        let peer = state.open()?;
        match peer.send(data) {
            Ok(sent) if sent < data.len() => Err(Fault::new("partial write")),
            result => result.map(|_| ()).map_err(Fault::from),
        }
    }

    /// Waits for a datagram, of which `size` bytes are wanted.
    pub(crate) fn receive(self: &Arc<Self>, size: usize) -> Result<Datagram, Fault> {
        let mut state = self.state.lock();
        state.open()?;
        let limit = state.timeout;
        let size = size.min(MAX_DATAGRAM);
        Ok(Datagram {
            socket: Arc::clone(self),
            size,
            limit,
            sleep: None,
            trouble: None,
            is_waiting: false,
        })
    }
}

impl Owned for Datagrams {
    fn is_open(&self) -> bool {
        self.state.lock().peer.is_some()
    }

    fn abandon(&self) {
        self.state.lock().peer = None;
    }
}

impl State {
    fn open(&mut self) -> Result<&mut Peer, Fault> {
        let (peer, _) = self.peer.as_mut().ok_or(Fault::CLOSED)?;
        if self.busy { Err(BUSY) } else { Ok(peer) }
    }
}

/// A socket whose peer is being set.
struct Busy(Arc<Datagrams>);

impl Busy {
    fn new(socket: &Arc<Datagrams>) -> Self {
        socket.state.lock().busy = true;
        Self(Arc::clone(socket))
    }

    async fn open(self, target: &Target) -> Result<(), Fault> {
        let reach = &self.0.net.reach;
        let ticket = Ticket::new(&self.0.net).ok_or(Fault::new("too many open sockets"))?;
        let local = self.0.state.lock().local;
        target.check()?;
        reach.admits_kind("socket for datagrams")?;
        let peer = match target {
            #[cfg(unix)]
            Target::Unix(path) => {
                if !reach.network.admits_unix(path) {
                    return Err(Fault::refused(target));
                }
                // Linux gives a socket without a name one that its peer can answer to.
                let socket = UnixDatagram::bind("").or_else(|_| UnixDatagram::unbound())?;
                socket.connect(path)?;
                Peer::Unix(socket)
            }
            #[cfg(not(unix))]
            Target::Unix(_) => {
                return Err(Fault::new(
                    "the unix domain sockets are not supported on this platform",
                ));
            }
            Target::Host(host, port) => {
                let address = reach.addresses(host, *port).await?[0];
                let any: SocketAddr = if address.is_ipv4() {
                    (Ipv4Addr::UNSPECIFIED, 0).into()
                } else {
                    (Ipv6Addr::UNSPECIFIED, 0).into()
                };
                let socket = UdpSocket::bind(local.unwrap_or(any)).await?;
                socket.connect(address).await?;
                Peer::Udp(Arc::new(socket))
            }
        };
        self.0.state.lock().peer = Some((peer, ticket));
        Ok(())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.state.lock().busy = false;
    }
}

impl Peer {
    /// Asks the system, whatever the reactor knows: it has not heard of a new socket yet.
    fn send(&self, data: &[u8]) -> io::Result<usize> {
        match self {
            Self::Udp(socket) => SockRef::from(&**socket).send(data),
            #[cfg(unix)]
            Self::Unix(socket) => SockRef::from(socket).send(data),
        }
    }

    fn trouble(&self) -> Option<Trouble> {
        let Self::Udp(socket) = self else { return None };
        let socket = Arc::clone(socket);
        Some(Box::pin(async move { trouble(&socket).await }))
    }

    fn poll_receive(&self, cx: &mut Context<'_>, size: usize) -> Poll<io::Result<Vec<u8>>> {
        let mut data = [0; MAX_DATAGRAM];
        let mut buffer = ReadBuf::new(&mut data[..size]);
        ready!(match self {
            Self::Udp(socket) => socket.poll_recv(cx, &mut buffer),
            #[cfg(unix)]
            Self::Unix(socket) => socket.poll_recv(cx, &mut buffer),
        })?;
        Poll::Ready(Ok(buffer.filled().to_vec()))
    }
}

/// Waits until the system has an error for the socket.
async fn trouble(socket: &UdpSocket) -> io::Error {
    loop {
        if let Err(error) = socket.ready(Interest::ERROR).await {
            return error;
        }
        // Which forgets the error, so that the reactor has to forget of it, too.
        let taken = socket.try_io(Interest::ERROR, || {
            let taken = SockRef::from(socket).take_error()?;
            taken.ok_or_else(|| io::ErrorKind::WouldBlock.into())
        });
        match taken {
            Ok(error) => return error,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return error,
        }
    }
}

/// A socket that waits for a datagram.
pub(crate) struct Datagram {
    socket: Arc<Datagrams>,
    size: usize,
    limit: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    trouble: Option<Trouble>,
    is_waiting: bool,
}

/// That the system has heard that nobody is there: no datagram tells of it, nor does the reactor to who
/// waits for one.
type Trouble = Pin<Box<dyn Future<Output = io::Error> + Send>>;

impl Datagram {
    /// The datagram, if it is there.
    pub(crate) fn now(&mut self) -> Option<Result<Vec<u8>, Fault>> {
        match self.poll_received(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(received) => Some(received),
            Poll::Pending => None,
        }
    }

    fn poll_received(&mut self, cx: &mut Context<'_>) -> Poll<Result<Vec<u8>, Fault>> {
        let mut state = self.socket.state.lock();
        let polled = match &state.peer {
            None => Poll::Ready(Err(Fault::CLOSED)),
            Some((peer, _)) => peer.poll_receive(cx, self.size).map_err(Fault::from),
        };
        self.is_waiting = polled.is_pending();
        state.busy = self.is_waiting;
        polled
    }
}

impl Future for Datagram {
    type Output = Result<Vec<u8>, Fault>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.poll_received(cx);
        if polled.is_ready() {
            return polled;
        }
        if self.trouble.is_none() {
            let state = self.socket.state.lock();
            let trouble = state.peer.as_ref().and_then(|(peer, _)| peer.trouble());
            drop(state);
            self.trouble = trouble;
        }
        let trouble = self.trouble.as_mut().map(|trouble| trouble.as_mut().poll(cx));
        if let Some(Poll::Ready(error)) = trouble {
            return Poll::Ready(Err(error.into()));
        }
        let limit = self.limit;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        sleep.as_mut().poll(cx).map(|()| Err(Fault::TIMEOUT))
    }
}

impl Drop for Datagram {
    fn drop(&mut self) {
        if self.is_waiting {
            self.socket.state.lock().busy = false;
        }
    }
}
