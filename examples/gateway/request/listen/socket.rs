//! Listening sockets: one a worker for each address, between which the kernel shares connections
//! out.

use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use super::flags::Address;
use crate::BoxError;

/// An address that is listened on, by each of some workers.
pub(crate) struct Listener {
    pub(crate) address: Address,
    pub(crate) addr: SocketAddr,
    /// One for each worker.
    pub(crate) sockets: Vec<TcpListener>,
}

impl Listener {
    /// Listens on `address`, once for each of `workers`.
    ///
    /// # Errors
    ///
    /// When the address is none, or somebody else's.
    pub(crate) fn bind(address: Address, workers: usize) -> Result<Self, BoxError> {
        let bound = Self::bind_all(&address, workers);
        let (addr, sockets) =
            bound.map_err(|error| format!("cannot listen on '{}': {error}", address.text))?;
        Ok(Self { address, addr, sockets })
    }

    fn bind_all(
        address: &Address,
        workers: usize,
    ) -> Result<(SocketAddr, Vec<TcpListener>), BoxError> {
        let mut addr = address.resolve()?;
        let shares = workers > 1;
        if shares && addr.port() != 0 {
            // Sockets that share an address would share it with another gateway as well.
            drop(socket(addr, address.backlog, false)?);
        }
        let mut sockets = Vec::with_capacity(workers);
        for _ in 0..workers {
            let socket = socket(addr, address.backlog, shares)?;
            addr = socket.local_addr()?;
            sockets.push(socket);
        }
        Ok((addr, sockets))
    }
}

fn socket(addr: SocketAddr, backlog: u32, shares: bool) -> Result<TcpListener, BoxError> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(shares)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}
