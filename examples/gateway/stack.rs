//! The layers that a request passes, from top to bottom.

use std::convert::Infallible;

use http::{Request, Response};
use hyper::body::Incoming;
use tower::{Service, ServiceBuilder};
use tower_lua::{BoxError, Functions, PostFunctionLayer, PreFunctionLayer, Runtime};

use crate::proxy::Proxy;
use crate::routes::Matched;
use crate::snapshot::Published;

/// The whole gateway as a service.
pub(crate) fn new(
    published: &Published,
    proxy: Proxy,
    runtime: &Runtime,
) -> impl Service<
    Request<Incoming>,
    Response = Response<impl http_body::Body<Data = bytes::Bytes, Error = BoxError> + Send + use<>>,
    Error = Infallible,
    Future: Send,
> + Clone
+ Send
+ use<> {
    let rewrite = |which: usize| {
        let published = published.clone();
        move |_: &http::request::Parts| published.current().rewrite()[which].clone()
    };
    let published = published.clone();
    ServiceBuilder::new()
        // Global functions of `rewrite`, which may change what the route is looked for by.
        .layer(PreFunctionLayer::resolver(rewrite(0)).runtime(runtime))
        .layer(PostFunctionLayer::resolver(rewrite(1)).runtime(runtime))
        // The route, for all that follows.
        .map_request(move |request| with_route(request, &published))
        // The functions of the route: before all other plugins, and after them.
        .layer(resolved(Matched::pre).runtime(runtime))
        .layer(PostFunctionLayer::resolver(of_route(Matched::post)).runtime(runtime))
        // To the service, and back.
        .service(proxy)
}

fn resolved(functions: fn(&Matched) -> Functions) -> PreFunctionLayer {
    PreFunctionLayer::resolver(of_route(functions))
}

/// The functions that a request's route has.
fn of_route(
    functions: fn(&Matched) -> Functions,
) -> impl Fn(&http::request::Parts) -> Functions + Send + Sync + 'static {
    move |request| request.extensions.get().map_or_else(Functions::empty, functions)
}

fn with_route<B>(request: Request<B>, published: &Published) -> Request<B> {
    let (mut head, body) = request.into_parts();
    let matched = published.current().find(&head);
    head.extensions.insert(matched);
    Request::from_parts(head, body)
}
