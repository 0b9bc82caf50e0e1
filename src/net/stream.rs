//! A connected stream: over TCP or a Unix domain socket, in the clear or not.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

use super::client::ClientStream;

/// A connected stream.
pub(super) enum Stream {
    Plain(Plain),
    #[cfg(feature = "tls")]
    Tls(Box<super::tls::TlsStream<Plain>>),
    /// The client's own.
    Client(Box<ClientStream>),
}

/// One in the clear.
pub(super) enum Plain {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    /// A test's server.
    #[cfg(feature = "testing")]
    Memory(tokio::io::DuplexStream),
}

/// What is read at once, in bytes: at least, as nginx does, and at most.
const CHUNK: usize = 4096;
const MAX_CHUNK: usize = 64 << 10;

/// The most that is read at once from a stream whose bytes are copied on the way.
const RECORD: usize = 16 << 10;

impl Stream {
    /// Reads more into `buffer`, about `wanted` bytes; 0 is the end.
    pub(super) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
        wanted: usize,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(plain) => {
                buffer.reserve(wanted.clamp(CHUNK, MAX_CHUNK));
                // tokio learns from what comes whether there is more.
                pin!(plain.read_buf(buffer)).poll(cx)
            }
            #[cfg(feature = "tls")]
            Self::Tls(stream) => poll_copied(Pin::new(stream), cx, buffer),
            Self::Client(client) => poll_copied(Pin::new(client), cx, buffer),
        }
    }

    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(plain) => Pin::new(plain).poll_write(cx, data),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, data),
            Self::Client(client) => Pin::new(client).poll_write(cx, data),
        }
    }

    /// Sends what is written but not yet sent.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Client(client) => Pin::new(client).poll_flush(cx),
        }
    }

    /// Says that nothing more will be sent.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(plain) => Pin::new(plain).poll_shutdown(cx),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Client(client) => Pin::new(client).poll_shutdown(cx),
        }
    }

    /// Ready when there is something to read, an end or an error: what a connection that waits to be
    /// used again must not have. What it has is lost.
    pub(super) fn poll_disturbed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut byte = [0];
        let mut byte = ReadBuf::new(&mut byte);
        let read = match self {
            Self::Plain(plain) => Pin::new(plain).poll_read(cx, &mut byte),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, &mut byte),
            // It never waits to be used again.
            Self::Client(_) => return Poll::Ready(()),
        };
        read.map(|_| ())
    }

    /// Whether nothing has come of the peer, by the system's own account: the reactor may not have
    /// heard yet.
    pub(super) fn is_quiet(&self) -> bool {
        let peeked = match self.plain() {
            Some(Plain::Tcp(stream)) => peek(&socket2::SockRef::from(stream)),
            #[cfg(unix)]
            Some(Plain::Unix(stream)) => peek(&socket2::SockRef::from(stream)),
            #[cfg(feature = "testing")]
            Some(Plain::Memory(_)) => return false,
            None => return false,
        };
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// What lies on the system's socket, if that is to be had.
    pub(super) fn plain(&self) -> Option<&Plain> {
        match self {
            #[cfg(feature = "testing")]
            Self::Plain(Plain::Memory(_)) => None,
            Self::Plain(plain) => Some(plain),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Some(stream.get_ref().0),
            Self::Client(_) => None,
        }
    }

    /// Says goodbye where that can be done at once.
    pub(super) fn close(mut self) {
        if !matches!(self, Self::Plain(_)) {
            let _ = self.poll_shutdown(&mut Context::from_waker(Waker::noop()));
        }
    }
}

/// Reads more into `buffer` of a stream whose bytes are copied on the way.
fn poll_copied(
    stream: Pin<&mut impl AsyncRead>,
    cx: &mut Context<'_>,
    buffer: &mut BytesMut,
) -> Poll<io::Result<usize>> {
    let mut record = [0; RECORD];
    let mut record = ReadBuf::new(&mut record);
    ready!(stream.poll_read(cx, &mut record))?;
    buffer.extend_from_slice(record.filled());
    Poll::Ready(Ok(record.filled().len()))
}

fn peek(socket: &socket2::SockRef<'_>) -> io::Result<usize> {
    socket.peek(&mut [std::mem::MaybeUninit::uninit()])
}

impl AsyncRead for Plain {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
            #[cfg(feature = "testing")]
            Self::Memory(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Plain {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, data),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, data),
            #[cfg(feature = "testing")]
            Self::Memory(stream) => Pin::new(stream).poll_write(cx, data),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(feature = "testing")]
            Self::Memory(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
