//! The layers that a request passes, from top to bottom.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use tower::{Service, ServiceBuilder};
use tower_lua::{
    BoxError, DebugResponseForError, DefaultResponseForError, Error, FailedRequest, Functions,
    PostFunctionLayer, PreFunctionLayer, ResponseForError, Runtime,
};

use crate::request::flight::Flight;
use crate::request::plugins::PluginsLayer;
use crate::request::proxy::Proxy;
use crate::request::routing;
use crate::request::subrequest::ReceivedBody;
use crate::request::trusted::Trusted;
use crate::request::ways::Ways;

/// All layers but the edge: no more of them than the request needs. With `debug`, clients on this machine hear
/// what has gone wrong in functions.
pub(crate) fn ways(
    proxy: Proxy,
    trusted: Trusted,
    runtime: &Runtime,
    debug: bool,
) -> impl Service<
    Request<ReceivedBody>,
    Response = Response<impl http_body::Body<Data = Bytes, Error = BoxError> + Send + use<>>,
    Error = Infallible,
    Future: Send,
> + Clone
+ Send
+ use<> {
    let errors = move |error: &Error, request: &FailedRequest<'_>| match debug {
        true => DebugResponseForError.response_for_error(error, request),
        false => DefaultResponseForError.response_for_error(error, request),
    };
    let post = PostFunctionLayer::resolver(of_flight(|flight| flight.post()))
        .runtime(runtime)
        .response_for_error(errors);
    let pre = PreFunctionLayer::resolver(of_flight(|flight| flight.pre()))
        .runtime(runtime)
        .response_for_error(errors);
    let rewrite_pre = of_flight(|flight| flight.rewrite_pre());
    let rewrite_post = of_flight(|flight| flight.rewrite_post());
    let pre = pre.paired_with(&post);
    // What a function of `rewrite` answers has no route: the other global functions have it then.
    let rewrite_pre = PreFunctionLayer::resolver(rewrite_pre).runtime(runtime);
    let rewrite_pre = rewrite_pre.response_for_error(errors).answers_for(&pre);
    let rewrite_post = PostFunctionLayer::resolver(rewrite_post).runtime(runtime);
    let rewrite_post = rewrite_post.response_for_error(errors).answers_for(&pre);
    let straight = proxy;
    let routed = ServiceBuilder::new()
        // The functions of the route: before all other plugins, and after them.
        .layer(pre)
        .layer(PluginsLayer)
        .layer(post)
        // To the service, and back.
        .service(straight.clone());
    let finder = trusted.clone();
    let whole = ServiceBuilder::new()
        // Global functions of `rewrite`, which may change what the route is looked for by.
        .layer(rewrite_pre)
        .layer(rewrite_post)
        // The route, for all that follows.
        .map_request(move |mut request| {
            routing::route_rewritten(&mut request, &finder);
            request
        })
        .service(routed.clone());
    Ways { whole, routed, straight, trusted }
}

/// The functions that a request's snapshot or route has.
fn of_flight(
    choose: fn(&Flight) -> &Functions,
) -> impl Fn(&Parts) -> Functions + Send + Sync + 'static {
    move |request| {
        let flight: &Arc<Flight> = request.extensions.get().expect("the first layer puts it there");
        choose(flight).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn future_of<W, S>(_: W) -> usize
    where
        W: Fn(Proxy, Trusted, &Runtime, bool) -> S,
        S: Service<Request<ReceivedBody>>,
    {
        size_of::<S::Future>()
    }

    /// It has 488, and once had 9,000, which each layer moved on: what few requests wait for is in a box of its own.
    #[test]
    fn the_future_of_a_request_has_at_most_512_bytes() {
        let bytes = future_of(ways);
        assert!(bytes <= 512, "the future of a request has grown to {bytes} bytes");
    }
}
