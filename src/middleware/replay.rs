//! Bodies that were read, in part or whole, before they go on.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

#[cfg(feature = "net")]
use crate::transaction::Broken;

pin_project! {
    /// A body as it came, or what has been read of it followed by the rest.
    #[project = ReplayProjection]
    pub(super) enum Replay<B: Body> {
        Untouched { #[pin] body: B },
        // All in one piece, whose length may be told. Empty when it has been given.
        Whole { chunk: Bytes },
        // Boxed: few bodies are read, and none should carry about the room for it.
        Read { read: Box<Read<B>> },
    }
}

/// What has been read of a body.
pub(super) struct Read<B: Body> {
    chunks: VecDeque<Bytes>,
    /// Boxed, because the body was pinned while it was read.
    rest: Option<Pin<Box<B>>>,
    end: Option<End<B::Error>>,
    /// Whether the length may be told before the end is reached.
    sized: bool,
}

/// What a body ended with, if it did not just end.
enum End<E> {
    Trailers(HeaderMap),
    Error(E),
}

impl<B: Body> Replay<B> {
    /// A body of `chunks` and nothing else.
    pub(super) fn of_chunks(chunks: impl IntoIterator<Item = Bytes>, sized: bool) -> Self {
        let chunks = chunks.into_iter().filter(|chunk| !chunk.is_empty()).collect();
        Self::Read { read: Box::new(Read { chunks, rest: None, end: None, sized }) }
    }

    /// A body of one chunk, whose length may be told.
    pub(super) fn whole(chunk: Bytes) -> Self {
        Self::Whole { chunk }
    }

    pub(super) fn empty() -> Self {
        Self::whole(Bytes::new())
    }
}

impl<B: Body> Body for Replay<B> {
    type Data = Bytes;
    type Error = B::Error;

    // Left alone, the compiler makes a call of this, which a request without functions would feel.
    #[inline(always)]
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project() {
            ReplayProjection::Untouched { body } => body.poll_frame(cx).map_ok(into_bytes),
            ReplayProjection::Whole { chunk } => {
                let chunk = std::mem::take(chunk);
                Poll::Ready((!chunk.is_empty()).then(|| Ok(Frame::data(chunk))))
            }
            ReplayProjection::Read { read } => read.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Untouched { body } => body.is_end_stream(),
            Self::Whole { chunk } => chunk.is_empty(),
            Self::Read { read } => read.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Untouched { body } => body.size_hint(),
            Self::Whole { chunk } => SizeHint::with_exact(chunk.len() as u64),
            Self::Read { read } => read.size_hint(),
        }
    }
}

impl<B: Body> Read<B> {
    /// The next frame: what was read first.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(chunk) = self.chunks.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        match (self.end.take(), &mut self.rest) {
            (Some(End::Error(error)), _) => Poll::Ready(Some(Err(error))),
            (Some(End::Trailers(trailers)), _) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            (None, Some(rest)) => rest.as_mut().poll_frame(cx).map_ok(into_bytes),
            (None, None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.is_empty()
            && self.end.is_none()
            && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        if !self.sized {
            return SizeHint::default();
        }
        let read: u64 = self.chunks.iter().map(|chunk| chunk.len() as u64).sum();
        let rest = self.rest.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint);
        let mut hint = SizeHint::new();
        hint.set_lower(read + rest.lower());
        if let Some(upper) = rest.upper() {
            hint.set_upper(read + upper);
        }
        hint
    }
}

fn into_bytes<D: Buf>(frame: Frame<D>) -> Frame<Bytes> {
    frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))
}

/// A body while it is read into memory.
pub(super) struct BodyReader<B: Body> {
    body: Pin<Box<B>>,
    chunks: VecDeque<Bytes>,
    length: u64,
    end: Option<End<B::Error>>,
    ended: bool,
}

/// How far a body was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// To its end.
    Whole(Bytes),
    /// To the limit, or a chunk beyond; there is more.
    Part,
    /// To an error.
    Broken,
}

impl<B: Body> BodyReader<B> {
    pub(super) fn new(body: B) -> Self {
        Self { body: Box::pin(body), chunks: VecDeque::new(), length: 0, end: None, ended: false }
    }

    /// Reads on until the body has ended, has more than `limit` bytes, or breaks.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, limit: u64) -> Poll<Extent> {
        while !self.ended {
            // A body that says how long it is need not be read to know that it is too long.
            if self.length + self.body.size_hint().lower() > limit {
                return Poll::Ready(Extent::Part);
            }
            if let Some(data) = ready!(self.poll_data(cx)) {
                self.length += data.len() as u64;
                self.chunks.push_back(data);
            }
        }
        if let Some(End::Error(_)) = self.end {
            return Poll::Ready(Extent::Broken);
        }
        if self.length > limit {
            return Poll::Ready(Extent::Part);
        }
        Poll::Ready(Extent::Whole(self.join()))
    }

    /// The next bytes, which the reader does not keep: nothing at the end.
    #[cfg(feature = "net")]
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Broken>>> {
        while let Some(data) = ready!(self.poll_data(cx)) {
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(data)));
            }
        }
        Poll::Ready(match self.end {
            Some(End::Error(_)) => Some(Err(Broken)),
            _ => None,
        })
    }

    /// The next data of the body: nothing at its end, of which is noted what it was.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        while !self.ended {
            match ready!(self.body.as_mut().poll_frame(cx)) {
                None => self.ended = true,
                Some(Err(error)) => {
                    self.end = Some(End::Error(error));
                    self.ended = true;
                }
                Some(Ok(frame)) => match into_bytes(frame).into_data() {
                    Ok(data) => return Poll::Ready(Some(data)),
                    Err(frame) => self.end = frame.into_trailers().ok().map(End::Trailers),
                },
            }
        }
        Poll::Ready(None)
    }

    /// Takes `left` back, which comes before what is yet to be read.
    #[cfg(feature = "net")]
    pub(super) fn take_back(&mut self, left: Bytes) {
        self.chunks.push_front(left);
    }

    /// What has been read, in one piece.
    fn join(&mut self) -> Bytes {
        let whole = match self.chunks.len() {
            0 => Bytes::new(),
            1 => self.chunks[0].clone(),
            _ => self.chunks.iter().flatten().copied().collect(),
        };
        self.chunks.clear();
        self.chunks.push_back(whole.clone());
        whole
    }

    /// The body from its beginning.
    pub(super) fn into_replay(mut self) -> Replay<B> {
        if self.ended && self.end.is_none() && self.chunks.len() <= 1 {
            return Replay::whole(self.chunks.pop_front().unwrap_or_default());
        }
        let chunks = self.chunks.into_iter().filter(|chunk| !chunk.is_empty()).collect();
        let rest = (!self.ended).then_some(self.body);
        Replay::Read { read: Box::new(Read { chunks, rest, end: self.end, sized: true }) }
    }
}
