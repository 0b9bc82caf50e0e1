//! The layer that puts the plugins of a request's route around what is further in.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Either};
use pin_project_lite::pin_project;
use tower::{Layer, Service, ServiceExt};

use super::{Body, Next};
use crate::BoxError;
use crate::request::flight::Flight;

/// Puts the plugins of the route around each request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PluginsLayer;

impl<S> Layer<S> for PluginsLayer {
    type Service = Plugins<S>;

    fn layer(&self, inner: S) -> Plugins<S> {
        Plugins { inner }
    }
}

/// A service with the plugins of each request's route around it.
#[derive(Clone, Debug)]
pub(crate) struct Plugins<S> {
    inner: S,
}

impl<S, ReqB, ResB> Service<Request<ReqB>> for Plugins<S>
where
    S: Service<Request<Either<ReqB, Body>>, Response = Response<ResB>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    ReqB: http_body::Body<Data = Bytes> + Send + 'static,
    ReqB::Error: Into<BoxError>,
    ResB: http_body::Body<Data = Bytes> + Send + 'static,
    ResB::Error: Into<BoxError>,
{
    type Response = Response<Either<ResB, Body>>;
    type Error = Infallible;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        let plugins = Flight::of(&request).and_then(Flight::plugins).cloned();
        let Some(plugins) = plugins else {
            return ResponseFuture::Direct { future: self.inner.call(request.map(Either::Left)) };
        };
        // The service that was found ready is this one, not its clone.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        let innermost = ready
            .map_request(|request: Request<Body>| request.map(Either::Right))
            .map_response(|response| response.map(|body| body.map_err(Into::into).boxed_unsync()));
        let stack =
            plugins.iter().rev().fold(Next::new(innermost), |next, plugin| plugin.around(next));
        let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
        ResponseFuture::Around { future: Box::pin(stack.oneshot(request)) }
    }
}

pin_project! {
    /// The response of plugins, or of what is further in where there are none.
    #[project = Projection]
    pub(crate) enum ResponseFuture<F> {
        Direct { #[pin] future: F },
        Around { future: Answer },
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl<F, B> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
{
    type Output = Result<Response<Either<B, Body>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Projection::Direct { future } => {
                future.poll(cx).map_ok(|response| response.map(Either::Left))
            }
            Projection::Around { future } => {
                future.as_mut().poll(cx).map_ok(|response| response.map(Either::Right))
            }
        }
    }
}
