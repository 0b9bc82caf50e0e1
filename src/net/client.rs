//! The client's own connection, once it speaks something else than the server's HTTP.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::rt::{Read, Write};
use hyper::upgrade::Upgraded;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A client's connection that a server has [given away](crate::ClientConnection).
pub struct ClientStream {
    io: Io,
    /// What the server had read of it, which comes first.
    read: Bytes,
}

/// What it reads from and writes to.
enum Io {
    Hyper(Upgraded),
    Server(Pin<Box<dyn Duplex>>),
}

trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

impl ClientStream {
    /// The connection `io`, of which `read` are the bytes that the server has read and not made use of.
    pub fn new(io: impl AsyncRead + AsyncWrite + Send + 'static, read: Bytes) -> Self {
        Self { io: Io::Server(Box::pin(io)), read }
    }

    /// Whether what the server had read of it begins with `bytes`.
    pub(crate) fn has_read(&self, bytes: &[u8]) -> bool {
        self.read.starts_with(bytes)
    }

    /// Has it begin with `bytes`.
    pub(crate) fn put_before(&mut self, bytes: &[u8]) {
        self.read = [bytes, &self.read].concat().into();
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.read.is_empty() {
            let count = self.read.len().min(buffer.remaining());
            buffer.put_slice(&self.read.split_to(count));
            return Poll::Ready(Ok(()));
        }
        match &mut self.io {
            Io::Hyper(io) => {
                let mut room = hyper::rt::ReadBuf::new(buffer.initialize_unfilled());
                ready!(Pin::new(io).poll_read(cx, room.unfilled()))?;
                let count = room.filled().len();
                buffer.advance(count);
                Poll::Ready(Ok(()))
            }
            Io::Server(io) => io.as_mut().poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Hyper(io) => Pin::new(io).poll_write(cx, data),
            Io::Server(io) => io.as_mut().poll_write(cx, data),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Hyper(io) => Pin::new(io).poll_flush(cx),
            Io::Server(io) => io.as_mut().poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Hyper(io) => Pin::new(io).poll_shutdown(cx),
            Io::Server(io) => io.as_mut().poll_shutdown(cx),
        }
    }
}

impl From<Upgraded> for ClientStream {
    fn from(io: Upgraded) -> Self {
        Self { io: Io::Hyper(io), read: Bytes::new() }
    }
}

impl fmt::Debug for ClientStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientStream").finish_non_exhaustive()
    }
}
