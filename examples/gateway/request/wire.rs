//! [`Wire`]: a connection of HTTP/1 on which the names of headers go out as they should be written.
//!
//! hyper can remember how names came, at a sixth of what a request costs, and cannot be told how to write
//! others. However a name is written, it has as many bytes: so this looks at the heads that hyper reads, and
//! changes those that it writes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::head_names::HeadNames;

pub(crate) struct Wire<T> {
    stream: T,
    names: Arc<HeadNames>,
    /// The head that goes out in the place of hyper's, and how much of it has.
    head: Vec<u8>,
    sent: usize,
    /// Whether all that hyper has written before has gone out: what it writes next begins with a head.
    is_at_rest: bool,
}

/// How many parts of what hyper writes go out at a time beside a head.
const PARTS: usize = 16;

/// Up to how many bytes several parts are made one, which costs less than to have the system gather them.
const SMALL: usize = 1024;

impl<T> Wire<T> {
    pub(crate) fn new(stream: T, names: Arc<HeadNames>) -> Self {
        Self { stream, names, head: Vec::new(), sent: 0, is_at_rest: true }
    }

    /// Whether a head goes out in the place of what `bytes` begin with.
    fn has_head(&mut self, bytes: &[u8]) -> bool {
        if std::mem::take(&mut self.is_at_rest)
            && let Some(written) = self.names.take_written()
        {
            written.write(bytes, &mut self.head);
        }
        !self.head.is_empty()
    }

    /// Notes that `count` bytes more of the head and what comes behind it have gone out.
    fn note_sent(&mut self, count: usize) {
        self.sent += count;
        if self.sent >= self.head.len() {
            self.head.clear();
            self.sent = 0;
        }
    }
}

/// Writes what it can of `parts`, as one where they are small.
fn poll_write_parts<T: AsyncWrite>(
    stream: Pin<&mut T>,
    cx: &mut Context<'_>,
    parts: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    if let [part] = parts {
        return stream.poll_write(cx, part);
    }
    let length: usize = parts.iter().map(|part| part.len()).sum();
    if length > SMALL {
        return stream.poll_write_vectored(cx, parts);
    }
    let mut whole = [0; SMALL];
    let mut rest = &mut whole[..];
    for part in parts {
        let (place, behind) = rest.split_at_mut(part.len());
        place.copy_from_slice(part);
        rest = behind;
    }
    stream.poll_write(cx, &whole[..length])
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Wire<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if !this.has_head(bytes) {
            return Pin::new(&mut this.stream).poll_write(cx, bytes);
        }
        let head = &this.head[this.sent..];
        let count = ready!(Pin::new(&mut this.stream).poll_write(cx, head))?;
        this.note_sent(count);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let mut given = parts.iter().filter(|part| !part.is_empty());
        let first = given.next().map_or(&[][..], |part| part);
        if !this.has_head(first) {
            return poll_write_parts(Pin::new(&mut this.stream), cx, parts);
        }
        let mut changed = [IoSlice::new(&[]); PARTS];
        let head = &this.head[this.sent..];
        changed[0] = IoSlice::new(head);
        changed[1] = IoSlice::new(first.get(head.len()..).unwrap_or_default());
        let mut count = 2;
        for (place, part) in changed[2..].iter_mut().zip(given) {
            *place = IoSlice::new(part);
            count += 1;
        }
        let changed = &changed[..count];
        let count = ready!(poll_write_parts(Pin::new(&mut this.stream), cx, changed))?;
        this.note_sent(count);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.is_at_rest = true;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Wire<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.names.note(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}
