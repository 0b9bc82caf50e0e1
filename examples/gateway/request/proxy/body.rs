//! Bodies between client and service: streamed, watched, and timed.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tokio::time::Sleep;

use super::pool::Lease;
use crate::BoxError;

/// The body of a request on its way to a service.
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
            return (Self { body: None }, None);
        }
        let progress = Arc::new(Progress::default());
        let body = body.map_err(Into::into).boxed_unsync();
        (Self { body: Some((body, Arc::clone(&progress))) }, Some(progress))
    }

    pub(super) fn empty() -> Self {
        Self { body: None }
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

pin_project! {
    /// The body of a service's response. Its connection goes back to the pool at its end.
    pub(crate) struct ResponseBody {
        #[pin]
        body: Incoming,
        lease: Option<Lease>,
        timeout: Duration,
        // Made when the service is first waited for: most bodies are there at once.
        sleep: Option<Pin<Box<Sleep>>>,
    }
}

impl ResponseBody {
    /// A body that comes on the connection `lease`, if that is its own.
    ///
    /// The head is there since `now`.
    pub(super) fn new(
        body: Incoming,
        mut lease: Option<Lease>,
        timeout: Duration,
        now: Instant,
    ) -> Self {
        if body.is_end_stream() {
            lease.take().into_iter().for_each(|lease| lease.give_back(now));
        }
        Self { body, lease, timeout, sleep: None }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        let Poll::Ready(frame) = this.body.as_mut().poll_frame(cx) else {
            let timeout = *this.timeout;
            let sleep = this.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
            ready!(sleep.as_mut().poll(cx));
            return Poll::Ready(Some(Err("the service stopped in the middle of its body".into())));
        };
        *this.sleep = None;
        match &frame {
            Some(Err(_)) => *this.lease = None,
            Some(Ok(_)) if !this.body.is_end_stream() => {}
            _ => this.lease.take().into_iter().for_each(|lease| lease.give_back(Instant::now())),
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
