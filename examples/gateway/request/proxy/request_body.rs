//! The body of a request on its way to a service: streamed and watched.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

use crate::BoxError;

/// The body of a request on its way to a service. By default there is nothing of it.
#[derive(Default)]
pub(crate) struct RequestBody {
    /// Most requests have none.
    body: Option<(UnsyncBoxBody<Bytes, BoxError>, Arc<Progress>)>,
}

/// How far the body of a request has come.
#[derive(Default)]
pub(super) struct Progress {
    frames: AtomicU64,
    /// Whether the client is what is waited for.
    waits_for_client: AtomicBool,
    has_ended: AtomicBool,
}

impl Progress {
    pub(super) fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    pub(super) fn waits_for_client(&self) -> bool {
        self.waits_for_client.load(Ordering::Relaxed)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }
}

impl RequestBody {
    /// A body, and where to see how far it is, if there is anything of it.
    pub(super) fn new<B>(body: B) -> (Self, Option<Arc<Progress>>)
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return (Self::default(), None);
        }
        let progress = Arc::new(Progress::default());
        let body = body.map_err(Into::into).boxed_unsync();
        (Self { body: Some((body, Arc::clone(&progress))) }, Some(progress))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some((body, progress)) = &mut self.get_mut().body else { return Poll::Ready(None) };
        let frame = Pin::new(&mut *body).poll_frame(cx);
        progress.waits_for_client.store(frame.is_pending(), Ordering::Relaxed);
        let frame = ready!(frame);
        progress.frames.fetch_add(1, Ordering::Relaxed);
        if frame.is_none() || body.is_end_stream() {
            progress.has_ended.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.body.as_ref();
        body.map_or_else(|| SizeHint::with_exact(0), |(body, _)| body.size_hint())
    }
}
