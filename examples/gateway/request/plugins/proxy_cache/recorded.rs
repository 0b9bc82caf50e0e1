//! [`Recorded`]: a body on its way, of which a copy is kept when it has come to its end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body as _, Frame, SizeHint};

use super::entry::{Caches, Entry};
use crate::BoxError;
use crate::request::plugins::Body;

pub(super) struct Recorded {
    body: Body,
    recording: Option<Recording>,
}

/// What is kept, unless the body breaks off or is too long.
pub(super) struct Recording {
    pub(super) caches: Caches,
    pub(super) key: String,
    /// Without its body.
    pub(super) entry: Entry,
    pub(super) chunks: Vec<Bytes>,
    pub(super) size: usize,
}

impl Recorded {
    pub(super) fn new(body: Body, recording: Recording) -> Self {
        let mut recorded = Self { body, recording: Some(recording) };
        recorded.finish_at_end();
        recorded
    }

    fn note(&mut self, frame: &Frame<Bytes>) {
        let Some(recording) = &mut self.recording else { return };
        let Some(data) = frame.data_ref() else {
            // A response with trailers is not kept: they would be lost.
            self.recording = None;
            return;
        };
        recording.size += data.len();
        recording.chunks.push(data.clone());
        if recording.size > recording.caches.largest {
            self.recording = None;
        }
    }

    /// Whoever sends a body may not ask again when he knows that it is at its end.
    fn finish_at_end(&mut self) {
        if self.body.is_end_stream() {
            self.recording.take().into_iter().for_each(Recording::keep);
        }
    }
}

impl Recording {
    fn keep(self) {
        let Self { caches, key, mut entry, chunks, size } = self;
        // A chunk may be a part of a larger buffer, which is not to be kept with it.
        let mut body = BytesMut::with_capacity(size);
        chunks.iter().for_each(|chunk| body.extend_from_slice(chunk));
        entry.body = body.freeze();
        caches.put(key, entry);
    }
}

impl http_body::Body for Recorded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                self.note(frame);
                self.finish_at_end();
            }
            Some(Err(_)) => self.recording = None,
            None => self.recording.take().into_iter().for_each(Recording::keep),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
