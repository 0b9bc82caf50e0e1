//! Options of a socket: `setoption`, `getoption`.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

use super::stream::Plain;
use super::{Fault, Socket};

/// An option of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    KeepAlive,
    ReuseAddr,
    NoDelay,
    SendBuffer,
    ReceiveBuffer,
    KeepAliveInterval,
    KeepAliveCount,
}

impl Setting {
    /// By the name that it has in Lua.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"keepalive" => Self::KeepAlive,
            b"reuseaddr" => Self::ReuseAddr,
            b"tcp-nodelay" => Self::NoDelay,
            b"sndbuf" => Self::SendBuffer,
            b"rcvbuf" => Self::ReceiveBuffer,
            b"keepintvl" => Self::KeepAliveInterval,
            b"keepcnt" => Self::KeepAliveCount,
            _ => return None,
        })
    }

    fn set(self, socket: &SockRef<'_>, value: u32) -> io::Result<()> {
        match self {
            Self::KeepAlive => socket.set_keepalive(value != 0),
            Self::ReuseAddr => socket.set_reuse_address(value != 0),
            Self::NoDelay => socket.set_tcp_nodelay(value != 0),
            Self::SendBuffer => socket.set_send_buffer_size(value as usize),
            Self::ReceiveBuffer => socket.set_recv_buffer_size(value as usize),
            Self::KeepAliveInterval => {
                let interval = Duration::from_secs(value.into());
                socket.set_tcp_keepalive(&TcpKeepalive::new().with_interval(interval))
            }
            Self::KeepAliveCount => {
                socket.set_tcp_keepalive(&TcpKeepalive::new().with_retries(value))
            }
        }
    }

    fn get(self, socket: &SockRef<'_>) -> io::Result<usize> {
        Ok(match self {
            Self::KeepAlive => socket.keepalive()?.into(),
            Self::ReuseAddr => socket.reuse_address()?.into(),
            Self::NoDelay => socket.tcp_nodelay()?.into(),
            Self::SendBuffer => socket.send_buffer_size()?,
            Self::ReceiveBuffer => socket.recv_buffer_size()?,
            Self::KeepAliveInterval => socket.tcp_keepalive_interval()?.as_secs() as usize,
            Self::KeepAliveCount => socket.tcp_keepalive_retries()? as usize,
        })
    }
}

impl Socket {
    pub(crate) fn set_option(&self, setting: Setting, value: u32) -> Result<(), Fault> {
        self.with_system_socket(|socket| setting.set(socket, value))
    }

    pub(crate) fn option(&self, setting: Setting) -> Result<usize, Fault> {
        self.with_system_socket(|socket| setting.get(socket))
    }

    /// The number that the system has for the socket.
    pub(crate) fn descriptor(&self) -> Result<RawFd, Fault> {
        self.with_system_socket(|socket| Ok(socket.as_raw_fd()))
    }

    fn with_system_socket<R>(
        &self,
        f: impl FnOnce(&SockRef<'_>) -> io::Result<R>,
    ) -> Result<R, Fault> {
        let state = self.lock();
        let connection = state.connection.as_ref().ok_or(Fault::CLOSED)?;
        let result = match connection.stream.plain() {
            Some(Plain::Tcp(stream)) => f(&SockRef::from(stream)),
            #[cfg(unix)]
            Some(Plain::Unix(stream)) => f(&SockRef::from(stream)),
            #[cfg(feature = "testing")]
            Some(Plain::Memory(_)) => return Err(Fault::CLOSED),
            None => return Err(Fault::CLOSED),
        };
        result.map_err(Fault::from)
    }
}
