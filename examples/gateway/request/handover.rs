//! [`Handover`]: connections of HTTP/1 that become something else, or a function's.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tower_lua::{ClientConnection, ClientStream, GivenConnection, Handover as When};

/// What those who drive a connection of HTTP/1 and the requests on it tell each other of its end.
#[derive(Default)]
pub(crate) struct Handover {
    is_asked: AtomicBool,
    asked: Mutex<Option<Asked>>,
}

/// Somebody who wants the connection.
struct Asked {
    when: When,
    deliver: oneshot::Sender<Given>,
}

/// A connection that was given away.
pub(crate) struct Given {
    io: Pin<Box<dyn Duplex>>,
    /// What had been read of it.
    read: Bytes,
}

pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

impl Handover {
    /// Asks for the connection. The last who asks gets it, if it comes to that.
    pub(crate) fn ask(&self, when: When) -> oneshot::Receiver<Given> {
        let (deliver, given) = oneshot::channel();
        *self.asked.lock() = Some(Asked { when, deliver });
        self.is_asked.store(true, Ordering::Release);
        given
    }

    /// Whether somebody wants it, or has it.
    pub(crate) fn is_asked(&self) -> bool {
        self.is_asked.load(Ordering::Acquire)
    }

    /// Whether it is to be given away, where HTTP `has_ended` on it.
    pub(crate) fn is_due(&self, has_ended: bool) -> bool {
        self.is_asked()
            && self.asked.lock().as_ref().is_some_and(|asked| has_ended || asked.when == When::Now)
    }

    /// Gives it to who has asked.
    pub(crate) fn give(&self, io: impl Duplex + 'static, read: Bytes) {
        if let Some(Asked { deliver, .. }) = self.asked.lock().take() {
            // Who has asked may be gone, and the connection ends.
            let _ = deliver.send(Given { io: Box::pin(io), read });
        }
    }
}

/// For functions.
impl ClientConnection for Handover {
    fn give(&self, when: When) -> GivenConnection {
        let given = self.ask(when);
        Box::pin(async {
            let Given { io, read } = given.await.ok()?;
            Some(ClientStream::new(io, read))
        })
    }
}

impl AsyncRead for Given {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return self.io.as_mut().poll_read(cx, buffer);
        }
        let count = self.read.len().min(buffer.remaining());
        buffer.put_slice(&self.read[..count]);
        self.read.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Given {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io.as_mut().poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_shutdown(cx)
    }
}
