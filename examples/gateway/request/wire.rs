//! [`Wire`]: a connection on which the names of headers go out as functions have written them.
//!
//! hyper writes the names of HTTP/1 as they came, or in title case, and nobody can tell it of others. However
//! a name is written, it has as many bytes: so names are changed in what hyper has written.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use memchr::{memchr, memmem};
use parking_lot::Mutex;
use tower_lua::HeaderNames;

/// How functions have written the names in the head that goes out next, if in any way of their own.
#[derive(Default)]
pub(crate) struct NextNames {
    are_there: AtomicBool,
    names: Mutex<Option<HeaderNames>>,
}

impl NextNames {
    pub(crate) fn set(&self, names: &HeaderNames) {
        *self.names.lock() = Some(names.clone());
        self.are_there.store(true, Ordering::Release);
    }

    fn take(&self) -> Option<HeaderNames> {
        match self.are_there.load(Ordering::Acquire) {
            true => {
                self.are_there.store(false, Ordering::Release);
                self.names.lock().take()
            }
            false => None,
        }
    }
}

pub(crate) struct Wire<T> {
    stream: T,
    names: Arc<NextNames>,
    /// The head that goes out in the place of hyper's, and how much of it has.
    head: Vec<u8>,
    sent: usize,
    /// Whether all that hyper has written before has gone out: what it writes next begins with a head.
    is_at_rest: bool,
}

/// How many parts of what hyper writes go out at a time beside a head.
const PARTS: usize = 16;

impl<T> Wire<T> {
    pub(crate) fn new(stream: T, names: Arc<NextNames>) -> Self {
        Self { stream, names, head: Vec::new(), sent: 0, is_at_rest: true }
    }

    /// Whether a head goes out in the place of what `bytes` begin with.
    fn has_head(&mut self, bytes: &[u8]) -> bool {
        if std::mem::take(&mut self.is_at_rest)
            && let Some(names) = self.names.take()
            && let Some(end) = memmem::find(bytes, b"\r\n\r\n")
        {
            self.head = bytes[..end + 4].to_vec();
            names.iter().for_each(|(name, written)| {
                rename(&mut self.head, name.as_str().as_bytes(), written.as_bytes());
            });
        }
        !self.head.is_empty()
    }

    /// Notes that `count` bytes more of the head and what comes behind it have gone out.
    fn note_sent(&mut self, count: usize) {
        self.sent += count;
        if self.sent >= self.head.len() {
            (self.head, self.sent) = (Vec::new(), 0);
        }
    }
}

/// Has each header `name` of a head be called as `written`.
fn rename(head: &mut [u8], name: &[u8], written: &[u8]) {
    let mut rest = head;
    while let Some(end) = memchr(b'\n', rest) {
        rest = &mut rest[end + 1..];
        if rest.get(name.len()) == Some(&b':')
            && let Some(found) = rest.get_mut(..name.len())
            && found.eq_ignore_ascii_case(name)
        {
            found.copy_from_slice(written);
        }
    }
}

impl<T: Write + Unpin> Write for Wire<T> {
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
        let first = parts.iter().find(|part| !part.is_empty()).map_or(&[][..], |part| part);
        if !this.has_head(first) {
            return Pin::new(&mut this.stream).poll_write_vectored(cx, parts);
        }
        let mut changed = [IoSlice::new(&[]); PARTS];
        let head = &this.head[this.sent..];
        changed[0] = IoSlice::new(head);
        changed[1] = IoSlice::new(first.get(head.len()..).unwrap_or_default());
        let others = parts.iter().filter(|part| !part.is_empty()).skip(1);
        let mut count = 2;
        for (place, part) in changed[2..].iter_mut().zip(others) {
            *place = IoSlice::new(part);
            count += 1;
        }
        let count = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, &changed[..count]))?;
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

impl<T: Read + Unpin> Read for Wire<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_as_functions_have_it_wherever_it_stands() {
        let mut head =
            b"GET /x-user: HTTP/1.1\r\nX-User: a\r\nX-Users: b\r\nx-USER: x-user:\r\n\r\n".to_vec();
        rename(&mut head, b"x-user", b"x-uSER");
        let expected =
            "GET /x-user: HTTP/1.1\r\nx-uSER: a\r\nX-Users: b\r\nx-uSER: x-user:\r\n\r\n";
        assert_eq!(String::from_utf8(head).unwrap(), expected);
    }
}
