//! [`RequestBody`]: the body that the inner service gets.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::BoxError;
use super::body_error;
use super::replay::Replay;

pin_project! {
    /// The body of a request that has passed the functions of a layer.
    ///
    /// It streams the client's body, unless a function has read it, in which case it begins with
    /// what was read, or has replaced it.
    pub struct RequestBody<B: Body> {
        #[pin]
        body: Replay<B>,
    }
}

impl<B: Body> RequestBody<B> {
    pub(super) fn untouched(body: B) -> Self {
        Self::new(Replay::Untouched { body })
    }

    pub(super) fn new(body: Replay<B>) -> Self {
        Self { body }
    }
}

impl<B> Body for RequestBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.project().body.poll_frame(cx).map_err(body_error::hand_on)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: Body + Default> Default for RequestBody<B> {
    fn default() -> Self {
        Self::untouched(B::default())
    }
}

impl<B: Body> fmt::Debug for RequestBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody")
            .field("size_hint", &self.body.size_hint())
            .finish_non_exhaustive()
    }
}
