//! [`Served`]: a service as hyper asks it, for the requests of one connection.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower::Service;
use tower_lua::CloseConnection;

use crate::BoxError;
use crate::request::peer::Peer;

/// A service that is always ready, as all are here, and who asks it.
///
/// It is not cloned for each request: that would be a dozen counts up and down again for the layers
/// that it is made of.
pub(super) struct Served<S> {
    service: RefCell<S>,
    peer: Arc<Peer>,
}

impl<S> Served<S> {
    pub(super) fn new(service: S, peer: Peer) -> Self {
        Self { service: RefCell::new(service), peer: Arc::new(peer) }
    }
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Served<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = Answered<S::Future>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(Arc::clone(&self.peer));
        Answered { future: self.service.borrow_mut().call(request) }
    }
}

pin_project! {
    /// A response, unless the client is to get nothing but the end of its connection.
    pub(super) struct Answered<F> {
        #[pin]
        future: F,
    }
}

impl<F, B> Future for Answered<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
{
    type Output = Result<Response<B>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Ok(response) = ready!(self.project().future.poll(cx));
        Poll::Ready(match response.extensions().get::<CloseConnection>() {
            Some(CloseConnection) => Err("a function has closed the connection".into()),
            None => Ok(response),
        })
    }
}
