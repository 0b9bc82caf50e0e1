//! Bodies of many chunks.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// A body that makes its chunks when it is asked for them, and counts how many are alive.
pub struct Chunks {
    left: usize,
    size: usize,
    trailers: Option<HeaderMap>,
    alive: Arc<Alive>,
}

/// How many chunks there are, and how many there were at most.
#[derive(Default)]
pub struct Alive {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Chunks {
    /// `count` chunks of `size` bytes.
    pub fn new(count: usize, size: usize) -> Self {
        Self { left: count, size, trailers: None, alive: Arc::default() }
    }

    pub fn with_trailers(mut self, trailers: HeaderMap) -> Self {
        self.trailers = Some(trailers);
        self
    }

    pub fn alive(&self) -> Arc<Alive> {
        Arc::clone(&self.alive)
    }
}

impl Alive {
    pub fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
        }
        self.left -= 1;
        let chunk = Chunk { data: vec![b'a'; self.size], alive: self.alive() };
        let now = chunk.alive.now.fetch_add(1, Ordering::Relaxed) + 1;
        chunk.alive.most.fetch_max(now, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(chunk)))))
    }

    fn size_hint(&self) -> SizeHint {
        match self.trailers {
            Some(_) => SizeHint::default(),
            None => SizeHint::with_exact((self.left * self.size) as u64),
        }
    }
}

struct Chunk {
    data: Vec<u8>,
    alive: Arc<Alive>,
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.alive.now.fetch_sub(1, Ordering::Relaxed);
    }
}
