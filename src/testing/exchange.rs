//! [`Exchange`]: what has come of a request.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use parking_lot::Mutex;
use tower_service::Service;

use super::{Log, Step, Upstream};

/// What has come of a request.
#[derive(Debug)]
#[non_exhaustive]
pub struct Exchange {
    /// What the client gets.
    pub response: Response<Bytes>,
    /// What the service gets, as functions have left it; what they have asked of the forwarder is an
    /// [`Upstream`](crate::Upstream) in its extensions. `None` if a function has answered itself.
    pub forwarded: Option<Request<Bytes>>,
    /// What was written to the log, failures of functions among it.
    pub logs: Vec<Log>,
    /// What functions did, one after the other, in a harness that [notes](super::HarnessBuilder::record) it.
    pub steps: Vec<Step>,
}

/// The service behind the functions: it notes what it gets.
#[derive(Clone)]
pub(super) struct Inner {
    upstream: Arc<Upstream>,
    seen: Arc<Mutex<Option<Request<Bytes>>>>,
}

impl Inner {
    pub(super) fn new(upstream: Arc<Upstream>) -> Self {
        Self { upstream, seen: Arc::default() }
    }

    pub(super) fn seen(&self) -> Option<Request<Bytes>> {
        self.seen.lock().take()
    }
}

impl<B> Service<Request<B>> for Inner
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Self { upstream, seen } = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map(http_body_util::Collected::to_bytes);
            let request = Request::from_parts(head, body.unwrap_or_default());
            *seen.lock() = Some(request.clone());
            Ok(upstream(request).map(Full::new))
        })
    }
}
