//! What a function has in its hands: a stream socket, open or closed, busy or not.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::connection::Connection;
use super::last_pattern::LastPattern;
use super::sockets::{Owned, Sockets};
use super::{Fault, Net};

/// A stream socket of a function.
pub(crate) struct Socket {
    pub(super) net: Arc<Net>,
    owner: Weak<Sockets>,
    state: Mutex<State>,
}

/// How long operations may take in which nothing comes or goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) send: Duration,
    pub(crate) read: Duration,
}

impl Timeouts {
    /// nginx's for all three.
    pub(crate) const DEFAULT: Duration = Duration::from_secs(60);
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Self::DEFAULT, send: Self::DEFAULT, read: Self::DEFAULT }
    }
}

/// What a socket is doing and what it is made of.
#[derive(Default)]
pub(super) struct State {
    pub(super) connection: Option<Connection>,
    pub(super) timeouts: Timeouts,
    pub(super) local: Option<SocketAddr>,
    pub(super) connecting: bool,
    pub(super) reading: bool,
    pub(super) writing: bool,
    pub(super) read_closed: bool,
    pub(super) write_closed: bool,
    /// Whether it was ever connected, or was to be.
    pub(super) used: bool,
    #[cfg(feature = "tls")]
    pub(super) tls: super::tls::Options,
}

/// What an operation does with a socket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Reading,
    Writing,
    Both,
}

impl Socket {
    /// A closed socket of a request.
    pub(crate) fn new(net: &Arc<Net>, owner: &Arc<Sockets>) -> Arc<Self> {
        let socket = Arc::new(Self {
            net: Arc::clone(net),
            owner: Arc::downgrade(owner),
            state: Mutex::default(),
        });
        owner.add(Arc::downgrade(&socket) as _);
        socket
    }

    /// Whether it is a socket of the request whose sockets `sockets` are.
    pub(crate) fn belongs_to(&self, sockets: &Arc<Sockets>) -> bool {
        std::ptr::eq(self.owner.as_ptr(), Arc::as_ptr(sockets))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Whether it was ever connected, or was to be.
    pub(crate) fn was_used(&self) -> bool {
        self.lock().used
    }

    /// What is set stays for connections to come.
    pub(crate) fn set_timeouts(&self, timeouts: Timeouts) {
        self.lock().timeouts = timeouts;
    }

    /// The address that connections to come are made from.
    pub(crate) fn bind(&self, local: SocketAddr) {
        self.lock().local = Some(local);
    }

    /// How often the connection has been used before.
    pub(crate) fn reused(&self) -> Result<u32, Fault> {
        let state = self.lock();
        state.connection.as_ref().map(|connection| connection.reused).ok_or(Fault::CLOSED)
    }

    pub(crate) fn close(&self) -> Result<(), Fault> {
        let mut state = self.lock();
        state.open(Use::Both)?;
        let connection = state.take();
        drop(state);
        connection.into_iter().for_each(Connection::close);
        Ok(())
    }

    /// Says that nothing more will be sent.
    pub(crate) fn shut_down(&self) -> Result<(), Fault> {
        let mut state = self.lock();
        state.open(Use::Writing)?;
        let waker = std::task::Waker::noop();
        if let Some(connection) = &mut state.connection {
            let _ = connection.stream.poll_shutdown(&mut std::task::Context::from_waker(waker));
        }
        state.close_writing();
        Ok(())
    }

    /// Puts the connection into its pool, for `timeout` if it is not for ever.
    pub(crate) fn keep(&self, timeout: Option<Duration>, size: usize) -> Result<(), Fault> {
        let mut state = self.lock();
        state.check_connecting()?;
        if state.read_closed || state.write_closed {
            return Err(Fault::CLOSED);
        }
        let connection = state.open(Use::Both)?;
        if connection.eof {
            return Err(Fault::CLOSED);
        }
        if !connection.input.is_empty() {
            return Err(Fault::new("unread data in buffer"));
        }
        let mut connection = state.take().expect("looked at above");
        connection.last_pattern = LastPattern::default();
        drop(state);
        self.net.park(connection, timeout, size)
    }
}

impl Owned for Socket {
    fn is_open(&self) -> bool {
        let state = self.lock();
        state.connection.is_some() || state.connecting
    }

    fn abandon(&self) {
        let connection = self.lock().take();
        connection.into_iter().for_each(Connection::close);
    }
}

impl State {
    /// The connection, if it is open and free for `use_`.
    pub(super) fn open(&mut self, use_: Use) -> Result<&mut Connection, Fault> {
        self.check_connecting()?;
        let closed = match use_ {
            Use::Reading => self.read_closed,
            Use::Writing => self.write_closed,
            Use::Both => self.read_closed && self.write_closed,
        };
        if closed || self.connection.is_none() {
            return Err(Fault::CLOSED);
        }
        if self.reading && use_ != Use::Writing {
            return Err(Fault::BUSY_READING);
        }
        if self.writing && use_ != Use::Reading {
            return Err(Fault::BUSY_WRITING);
        }
        self.connection.as_mut().ok_or(Fault::CLOSED)
    }

    pub(super) fn check_connecting(&self) -> Result<(), Fault> {
        if self.connecting { Err(Fault::BUSY_CONNECTING) } else { Ok(()) }
    }

    /// The connection, which the socket has no more.
    pub(super) fn take(&mut self) -> Option<Connection> {
        self.read_closed = false;
        self.write_closed = false;
        self.connection.take()
    }

    /// Nothing more is received; a connection that nothing is sent on any more is closed.
    pub(super) fn close_reading(&mut self) {
        self.read_closed = true;
        self.close_if_done();
    }

    pub(super) fn close_writing(&mut self) {
        self.write_closed = true;
        self.close_if_done();
    }

    /// Closes the connection of an operation that comes to no end.
    pub(super) fn give_up(&mut self) {
        (self.reading, self.writing) = (false, false);
        self.take().into_iter().for_each(Connection::close);
    }

    fn close_if_done(&mut self) {
        if self.read_closed && self.write_closed {
            self.take().into_iter().for_each(Connection::close);
        }
    }
}
