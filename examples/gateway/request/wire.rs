//! [`Wire`]: a connection of HTTP/1 on which the names of headers go out as they should be written.
//!
//! hyper can remember how names came, at a sixth of what a request costs, and cannot be told how to write
//! others. However a name is written, it has as many bytes: so this looks at the heads that hyper reads, and
//! changes those that it writes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use http::Extensions;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::spelling::{Came, Whole, Written};

/// How names came and are to be written, as a connection and those who use it tell each other.
//
// What is asked most does not lock: whether there is anything to look at.
pub(crate) struct HeadNames {
    /// Whether what comes next from the other end begins with a head.
    is_head: AtomicBool,
    coming: Mutex<Vec<u8>>,
    has_written: AtomicBool,
    /// For the head that goes out next.
    written: Mutex<Option<Written>>,
}

impl Default for HeadNames {
    fn default() -> Self {
        Self {
            is_head: AtomicBool::new(true),
            coming: Mutex::default(),
            has_written: AtomicBool::new(false),
            written: Mutex::default(),
        }
    }
}

/// What a head has at most, with what may have come behind it.
const LONGEST: usize = 128 << 10;

impl HeadNames {
    /// How the names came in the head that hyper has just read, if not in title case. `has_body` says whether
    /// what comes behind it is no head.
    pub(crate) fn came(&self, has_body: bool) -> Option<Came> {
        let mut coming = self.coming.lock();
        let mut begin = 0;
        let mut came = None;
        while let Some(whole) = Whole::at_start_of(&coming[begin..]) {
            let head = &coming[begin..begin + whole.length];
            begin += head.len();
            if !is_interim(head) {
                came = (!whole.is_in_title_case).then(|| Came::of(head));
                break;
            }
        }
        self.is_head.store(!has_body, Ordering::Release);
        if has_body || begin == coming.len() {
            coming.clear();
        } else {
            coming.drain(..begin);
        }
        came
    }

    /// Says that what comes next begins with a head.
    pub(crate) fn expect(&self) {
        self.is_head.store(true, Ordering::Release);
    }

    /// Has the names in the head of a message be written as its extensions say.
    pub(crate) fn write(&self, extensions: &Extensions) {
        if let Some(written) = Written::of(extensions) {
            self.write_next(written);
        }
    }

    /// The same for who speaks HTTP/1.0 and is answered, as all are by nginx, in HTTP/1.1 (RFC 9110, section 6.2):
    /// hyper begins the head with the client's version.
    pub(crate) fn write_to_old_client(&self, extensions: &Extensions) {
        self.write_next(Written::of(extensions).unwrap_or_default());
    }

    fn write_next(&self, written: Written) {
        *self.written.lock() = Some(written);
        self.has_written.store(true, Ordering::Release);
    }

    /// How the names of the head that goes out are written, if not as hyper writes them.
    fn take_written(&self) -> Option<Written> {
        if !self.has_written.load(Ordering::Acquire) {
            return None;
        }
        self.has_written.store(false, Ordering::Release);
        self.written.lock().take()
    }

    fn note(&self, bytes: &[u8]) {
        if !self.is_head.load(Ordering::Acquire) {
            return;
        }
        let mut coming = self.coming.lock();
        coming.extend_from_slice(bytes);
        if coming.len() > LONGEST {
            *coming = Vec::new();
            self.is_head.store(false, Ordering::Release);
        }
    }
}

/// Whether another head follows for the same request.
fn is_interim(head: &[u8]) -> bool {
    head.starts_with(b"HTTP/1.1 1") && !head.starts_with(b"HTTP/1.1 101")
}

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
