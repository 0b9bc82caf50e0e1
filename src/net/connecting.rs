//! Making connections: from a pool, or anew.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::address::literal;
use super::client::ClientStream;
use super::connection::Connection;
use super::limits::Ticket;
use super::membership::{Membership, Name};
use super::pool::{Given, Joined, Turn};
use super::socket::Use;
use super::stream::{Plain, Stream};
use super::{Fault, Net, Reach, Socket, Sockets, Target};

/// How the pool is called that a connection belongs to, and how large it is if it is made.
pub(crate) struct PoolOptions {
    pub(crate) name: Vec<u8>,
    pub(crate) size: Option<usize>,
    pub(crate) backlog: Option<usize>,
}

impl Socket {
    /// Connects to `target`: at once if a connection waits in the pool, else with the future that this
    /// gives.
    pub(crate) fn connect(
        self: &Arc<Self>,
        target: Target,
        pool: PoolOptions,
        owner: &Sockets,
    ) -> Result<Option<impl Future<Output = Result<(), Fault>> + Send + use<>>, Fault> {
        let mut state = self.lock();
        state.check_connecting()?;
        if state.connection.is_some() {
            state.open(Use::Both)?;
        }
        let former = state.take();
        state.used = true;
        drop(state);
        former.into_iter().for_each(Connection::close);
        if self.net.reach.network.is_off() {
            return Err(Fault::refused(&target));
        }
        if owner.open() >= self.net.reach.limits.sockets_per_request {
            return Err(Fault::new("too many open sockets in this request"));
        }
        let name = Name::from(pool.name);
        if let Some(idle) = self.net.checkout(&name) {
            self.lock().connection = Some(idle.again());
            return Ok(None);
        }
        let joined = self.net.join(&name, pool.size, pool.backlog)?;
        let busy = Busy::new(self);
        Ok(Some(async move { busy.connect(&target, name, joined).await }))
    }
}

impl Socket {
    /// The client's connection as a socket of its request. It is none of those that functions open.
    pub(crate) fn of_client(
        net: &Arc<Net>,
        owner: &Arc<Sockets>,
        client: ClientStream,
    ) -> Arc<Self> {
        let socket = Self::new(net, owner);
        let stream = Stream::Client(Box::new(client));
        let connection = Connection::new(stream, Arc::from([]), None, None);
        socket.lock().connection = Some(connection);
        socket
    }
}

/// A socket that is connecting.
struct Busy(Arc<Socket>);

impl Busy {
    fn new(socket: &Arc<Socket>) -> Self {
        socket.lock().connecting = true;
        Self(Arc::clone(socket))
    }

    async fn connect(self, target: &Target, name: Name, joined: Joined) -> Result<(), Fault> {
        let (net, limit) = (&self.0.net, self.0.lock().timeouts.connect);
        let place = match joined {
            Joined::Free => None,
            Joined::Place(place) => Some(place),
            Joined::Wait(turn) => match wait(net, &name, turn, limit).await? {
                Given::Place(place) => Some(place),
                Given::Connection(idle) => {
                    self.0.lock().connection = Some(idle.again());
                    return Ok(());
                }
            },
        };
        self.open(target, name, place, limit).await
    }

    async fn open(
        &self,
        target: &Target,
        name: Name,
        place: Option<Membership>,
        limit: Duration,
    ) -> Result<(), Fault> {
        let net = &self.0.net;
        let local = self.0.lock().local;
        let ticket = Ticket::new(net).ok_or(Fault::new("too many open sockets"))?;
        target.check()?;
        let plain = match target {
            Target::Unix(path) => open_unix(&net.reach, path, limit).await?,
            #[cfg(feature = "testing")]
            Target::Host(host, port) if net.reach.stand_in.is_some() => {
                let stand_in = net.reach.stand_in.as_ref().expect("looked at above");
                Plain::Memory(stand_in(host, *port)?)
            }
            Target::Host(host, port) => {
                let addresses = net.reach.addresses(host, *port).await?;
                let opening = timeout(limit, open_first(&addresses, local));
                Plain::Tcp(opening.await.map_err(|_| Fault::TIMEOUT)??)
            }
        };
        let connection = Connection::new(Stream::Plain(plain), name, place, Some(ticket));
        self.0.lock().connection = Some(connection);
        Ok(())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.lock().connecting = false;
    }
}

/// Waits for a connection of the pool `name`, or a place for one.
async fn wait(net: &Net, name: &Name, turn: Arc<Turn>, limit: Duration) -> Result<Given, Fault> {
    let waiting = Waiting { net, name, turn };
    let turns = std::future::poll_fn(|cx| waiting.turn.poll(cx));
    timeout(limit, turns).await.map_err(|_| Fault::TIMEOUT)
}

struct Waiting<'a> {
    net: &'a Net,
    name: &'a Name,
    turn: Arc<Turn>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.net.give_up(self.name, &self.turn);
    }
}

impl Reach {
    /// The addresses of a host that functions may reach, at least one.
    pub(super) async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Fault> {
        let of = |ip: IpAddr| SocketAddr::new(ip, port);
        let all = match literal(host) {
            Some(ip) => vec![of(ip)],
            None => self.resolver.resolve(host).await?.iter().copied().map(of).collect(),
        };
        let first = all[0];
        let admits = |address: &SocketAddr| self.network.admits(*address);
        let admitted: Vec<_> = all.into_iter().filter(admits).collect();
        if admitted.is_empty() { Err(Fault::refused(first)) } else { Ok(admitted) }
    }
}

/// Connects to the first address that answers.
// Kong: nginx takes one at random.
async fn open_first(
    addresses: &[SocketAddr],
    local: Option<SocketAddr>,
) -> Result<TcpStream, Fault> {
    let mut fault = Fault::CLOSED;
    for address in addresses {
        match open_tcp(*address, local).await {
            Ok(stream) => return Ok(stream),
            Err(error) => fault = error.into(),
        }
    }
    Err(fault)
}

async fn open_tcp(address: SocketAddr, local: Option<SocketAddr>) -> std::io::Result<TcpStream> {
    let stream = match local {
        None => TcpStream::connect(address).await?,
        Some(local) => {
            let socket =
                if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            socket.bind(local)?;
            socket.connect(address).await?
        }
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(unix)]
async fn open_unix(reach: &Reach, path: &Path, limit: Duration) -> Result<Plain, Fault> {
    if !reach.network.admits_unix(path) {
        return Err(Fault::refused(format_args!("unix:{}", path.display())));
    }
    reach.admits_kind("Unix domain socket")?;
    let opening = timeout(limit, tokio::net::UnixStream::connect(path));
    Ok(Plain::Unix(opening.await.map_err(|_| Fault::TIMEOUT)??))
}

#[cfg(not(unix))]
async fn open_unix(_: &Reach, _: &Path, _: Duration) -> Result<Plain, Fault> {
    Err(Fault::new("the unix domain sockets are not supported on this platform"))
}
