//! Plugins that are made of functions.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use tower::util::MapResponse;
use tower::{Layer, Service, ServiceExt};
use tower_lua::{Functions, FunctionsId, PreFunctionLayer, ResponseBody, Runtime};

use super::{Around, Body, Next};

/// A plugin whose work functions do.
struct OfFunctions(PreFunctionLayer, FunctionsId);

/// A plugin that is nothing but `functions`, which run in `runtime`.
pub(super) fn around(functions: Functions, runtime: &Runtime) -> Arc<dyn Around> {
    let id = functions.id();
    Arc::new(OfFunctions(PreFunctionLayer::new(functions).runtime(runtime), id))
}

impl Around for OfFunctions {
    fn around(&self, next: Next) -> Next {
        let service = self.0.layer(Once(Arc::new(Mutex::new(Some(next)))));
        let plain = |response: Response<ResponseBody<Body>>| {
            response.map(|body| BodyExt::boxed_unsync(BodyExt::map_err(body, Into::into)))
        };
        Next::new(MapResponse::new(service, plain))
    }

    fn functions(&self) -> Vec<FunctionsId> {
        vec![self.1]
    }
}

/// A service for one request, which its clones share.
#[derive(Clone)]
struct Once(Arc<Mutex<Option<Next>>>);

impl<B> Service<Request<B>> for Once
where
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<crate::BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let next = self.0.lock().take().expect("a stack of plugins is for one request");
        let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
        Box::pin(next.oneshot(request))
    }
}
