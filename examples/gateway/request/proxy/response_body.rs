//! The body of a service's response: streamed and timed.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tokio::time::Sleep;

use super::pool::Lease;
use crate::BoxError;
use crate::in_force::balancer::Seat;

pin_project! {
    /// The body of a service's response. Its connection goes back to the pool at its end.
    pub(crate) struct ResponseBody {
        #[pin]
        body: Incoming,
        lease: Option<Lease>,
        seat: Option<Seat>,
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
        Self { body, lease, seat: None, timeout, sleep: None }
    }

    /// The same with the request's seat at its peer, which is held until the body has ended.
    pub(super) fn seated(self, seat: Option<Seat>) -> Self {
        Self { seat, ..self }
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
            Some(Err(_)) => (*this.lease, *this.seat) = (None, None),
            Some(Ok(_)) if !this.body.is_end_stream() => {}
            _ => {
                *this.seat = None;
                this.lease.take().into_iter().for_each(|lease| lease.give_back(Instant::now()));
            }
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
