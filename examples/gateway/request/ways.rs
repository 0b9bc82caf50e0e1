//! [`Ways`]: a request passes the layers that have something to do for it, and no others.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::Either;
use pin_project_lite::pin_project;
use tower::Service;

use super::flight::Flight;
use super::routing;
use super::trusted::Trusted;

/// Three ways to the service: by all layers, from the route on, and straight.
#[derive(Clone)]
pub(crate) struct Ways<W, R, S> {
    /// For snapshots with functions that run before a route is looked for. It looks for the route.
    pub(crate) whole: W,
    /// For routes with functions or other plugins.
    pub(crate) routed: R,
    pub(crate) straight: S,
    pub(crate) trusted: Trusted,
}

impl<W, R, S, B, BW, BR, BS> Service<Request<B>> for Ways<W, R, S>
where
    W: Service<Request<B>, Response = Response<BW>, Error = Infallible>,
    R: Service<Request<B>, Response = Response<BR>, Error = Infallible>,
    S: Service<Request<B>, Response = Response<BS>, Error = Infallible>,
{
    type Response = Response<Either<BW, Either<BR, BS>>>;
    type Error = Infallible;
    type Future = ResponseFuture<W::Future, R::Future, S::Future>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // As all services here are.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let flight = Flight::of(&request).expect("the first layer puts it there");
        if flight.may_have_been_rewritten() {
            return ResponseFuture::Whole { future: self.whole.call(request) };
        }
        routing::route(&request, flight, &self.trusted);
        if flight.is_plain() {
            return ResponseFuture::Straight { future: self.straight.call(request) };
        }
        ResponseFuture::Routed { future: self.routed.call(request) }
    }
}

pin_project! {
    /// The response future of [`Ways`].
    #[project = Projection]
    pub(crate) enum ResponseFuture<W, R, S> {
        Whole { #[pin] future: W },
        Routed { #[pin] future: R },
        Straight { #[pin] future: S },
    }
}

impl<W, R, S, BW, BR, BS> Future for ResponseFuture<W, R, S>
where
    W: Future<Output = Result<Response<BW>, Infallible>>,
    R: Future<Output = Result<Response<BR>, Infallible>>,
    S: Future<Output = Result<Response<BS>, Infallible>>,
{
    type Output = Result<Response<Either<BW, Either<BR, BS>>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Projection::Whole { future } => {
                future.poll(cx).map_ok(|response| response.map(Either::Left))
            }
            Projection::Routed { future } => {
                let right = |body| Either::Right(Either::Left(body));
                future.poll(cx).map_ok(|response| response.map(right))
            }
            Projection::Straight { future } => {
                let right = |body| Either::Right(Either::Right(body));
                future.poll(cx).map_ok(|response| response.map(right))
            }
        }
    }
}
