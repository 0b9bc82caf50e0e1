//! Where the layers can stand: axum's routers and routes, tower's stacks, beside other layers.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use tower::retry::{Policy, RetryLayer};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id;
use tower_lua::{
    Connection, Functions, Phase, PostFunction, PostFunctionLayer, PreFunction, PreFunctionLayer,
    RequestBody, RequestId, Runtime, Upstream,
};

use crate::support::Chunks;

fn stamp(value: &str) -> Functions {
    let source = format!(r#"kong.response.add_header("x-stamp", "{value}")"#);
    Functions::builder("stamp").function(Phase::HeaderFilter, source).build().unwrap()
}

async fn ask(app: Router, path: &str) -> Response<axum::body::Body> {
    let request = Request::builder().uri(path).body(axum::body::Body::empty()).unwrap();
    app.oneshot(request).await.unwrap()
}

fn stamps<B>(response: &Response<B>) -> Vec<&str> {
    response.headers().get_all("x-stamp").iter().map(|value| value.to_str().unwrap()).collect()
}

#[tokio::test]
async fn around_a_whole_router_the_layer_sees_what_no_route_matches() {
    let app = Router::new()
        .route("/", get(|| async { "hello" }))
        .layer(PreFunctionLayer::new(stamp("router")));
    assert_eq!(stamps(&ask(app.clone(), "/").await), ["router"]);
    let missing = ask(app, "/missing").await;
    assert_eq!((missing.status(), stamps(&missing)), (StatusCode::NOT_FOUND, vec!["router"]));
}

#[tokio::test]
async fn as_a_route_layer_it_sees_matched_requests_alone() {
    let app = Router::new()
        .route("/", get(|| async { "hello" }))
        .route_layer(PreFunctionLayer::new(stamp("route")));
    assert_eq!(stamps(&ask(app.clone(), "/").await), ["route"]);
    assert!(stamps(&ask(app, "/missing").await).is_empty());
}

#[tokio::test]
async fn around_a_method_router_it_sees_one_route() {
    let handler = get(|| async { "a" }).layer(PostFunctionLayer::new(stamp("method")));
    let app = Router::new().route("/a", handler).route("/b", post(|| async { "b" }));
    assert_eq!(stamps(&ask(app.clone(), "/a").await), ["method"]);
    assert!(stamps(&ask(app, "/b").await).is_empty());
}

#[tokio::test]
async fn both_layers_stand_in_a_service_builder_beside_others() {
    let set = tower_http::set_header::SetResponseHeaderLayer::overriding(
        http::HeaderName::from_static("x-other"),
        http::HeaderValue::from_static("yes"),
    );
    let app = Router::new().route("/", get(|| async { "hello" })).layer(
        ServiceBuilder::new()
            .layer(PreFunctionLayer::new(stamp("pre")))
            .layer(set)
            .layer(PostFunctionLayer::new(stamp("post"))),
    );
    let response = ask(app, "/").await;
    assert_eq!(stamps(&response), ["pre", "post"]);
    assert_eq!(response.headers()["x-other"], "yes");
}

#[test]
fn layers_services_and_futures_are_clone_and_send() {
    fn is_clone<T: Clone>(_: &T) {}
    fn is_send<T: Send>(_: &T) {}
    fn is_sync<T: Sync>(_: &T) {}

    let layer = PreFunctionLayer::new(Functions::empty());
    is_clone(&layer);
    is_sync(&layer);
    let mut service: PreFunction<_> = layer.layer(
        service_fn(|_: Request<RequestBody<RequestBody<Empty<Bytes>>>>| async {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        })
        .layered(),
    );
    is_clone(&service);
    is_send(&service);
    is_send(&service.call(Request::new(Empty::new())));
}

trait Layered: Sized {
    fn layered(self) -> PostFunction<Self> {
        PostFunctionLayer::new(Functions::empty()).layer(self)
    }
}

impl<S> Layered for S {}

#[tokio::test]
async fn a_resolver_chooses_the_functions_of_each_request() {
    let (beta, none) = (stamp("beta"), Functions::empty());
    let app = Router::new().route("/", get(|| async { "hello" })).layer(
        PreFunctionLayer::resolver(move |request| {
            if request.uri.query() == Some("beta") { beta.clone() } else { none.clone() }
        }),
    );
    assert_eq!(stamps(&ask(app.clone(), "/?beta").await), ["beta"]);
    assert!(stamps(&ask(app, "/").await).is_empty());
}

#[tokio::test]
async fn an_attempt_that_is_made_again_runs_the_inner_functions_again_and_the_response_once() {
    #[derive(Clone)]
    struct Again(usize);

    impl<B: Clone, R> Policy<Request<B>, Response<R>, Infallible> for Again {
        type Future = std::future::Ready<()>;

        fn retry(
            &mut self,
            _: &mut Request<B>,
            result: &mut Result<Response<R>, Infallible>,
        ) -> Option<Self::Future> {
            let failed = result.as_ref().is_ok_and(|response| response.status() == 503);
            (failed && self.0 > 0).then(|| {
                self.0 -= 1;
                std::future::ready(())
            })
        }

        fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
            Some(request.clone())
        }
    }

    let runtime = Runtime::builder().vms(1).build().unwrap();
    let count = r#"kong.ctx.shared.attempts = (kong.ctx.shared.attempts or 0) + 1"#;
    let show = r#"kong.response.set_header("x-attempts", kong.ctx.shared.attempts)"#;
    let pre = Functions::builder("pre").function(Phase::HeaderFilter, show).build().unwrap();
    let post = Functions::builder("post")
        .function(Phase::Access, count)
        .function(Phase::HeaderFilter, r#"kong.response.add_header("x-post", "once")"#)
        .build()
        .unwrap();
    let attempts = Arc::new(AtomicUsize::new(0));
    let service = service_fn(move |_: Request<_>| {
        let first = attempts.fetch_add(1, Ordering::Relaxed) == 0;
        let status = if first { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        let mut response = Response::new(Full::<Bytes>::default());
        *response.status_mut() = status;
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let stack = ServiceBuilder::new()
        .layer(PreFunctionLayer::new(pre).runtime(&runtime))
        .map_request(|request: Request<_>| request.map(|_| Empty::<Bytes>::new()))
        .layer(RetryLayer::new(Again(3)))
        .layer(PostFunctionLayer::new(post).runtime(&runtime))
        .service(service);
    let Ok(response) = stack.oneshot(Request::new(Empty::<Bytes>::new())).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-attempts"], "2");
    assert_eq!(response.headers().get_all("x-post").iter().count(), 1);
}

#[tokio::test]
async fn what_the_application_knows_reaches_functions_through_extensions() {
    let source = r#"kong.response.exit(200, table.concat({
        ngx.var.remote_addr, kong.request.get_scheme(), kong.request.get_port(),
        ngx.var.request_id }, " "))"#;
    let layer = PreFunctionLayer::new(Functions::access("test", source).unwrap());
    let service = layer.layer(service_fn(|_: Request<_>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    let mut request = Request::new(Empty::<Bytes>::new());
    let connection = Connection::new("192.0.2.7:4321".parse().unwrap())
        .with_local_addr("192.0.2.1:8443".parse().unwrap())
        .with_tls(true);
    request.extensions_mut().insert(connection);
    request.extensions_mut().insert(RequestId::new("my-id"));
    let Ok(response) = service.oneshot(request).await;
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "192.0.2.7 https 8443 my-id");
}

#[tokio::test]
async fn the_id_that_the_application_gives_a_request_is_the_same_in_later_phases() {
    let functions = Functions::builder("test")
        .function(Phase::HeaderFilter, "kong.response.set_header('x-id', ngx.var.request_id)");
    let service = PreFunctionLayer::new(functions.build().unwrap()).layer(service_fn(
        |request: Request<_>| async move {
            let seen = request.extensions().get::<RequestId>().unwrap().as_str().to_owned();
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(seen))))
        },
    ));
    let mut request = Request::new(Empty::<Bytes>::new());
    request.extensions_mut().insert(RequestId::new("my-id"));
    let Ok(response) = service.oneshot(request).await;
    assert_eq!(response.headers()["x-id"], "my-id");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "my-id");
}

#[tokio::test]
async fn what_functions_ask_of_a_proxy_reaches_the_service_through_extensions() {
    let source =
        r#"kong.service.request.set_scheme("https") kong.service.request.set_path("/b c")"#;
    let layer = PreFunctionLayer::new(Functions::access("test", source).unwrap());
    let service = layer.layer(service_fn(|request: Request<_>| async move {
        let scheme = request.extensions().get().and_then(Upstream::scheme);
        let seen = format!("{scheme:?} {}", request.uri());
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(seen))))
    }));
    let request = Request::builder().uri("/a?x=1").body(Empty::<Bytes>::new()).unwrap();
    let Ok(response) = service.oneshot(request).await;
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "Some(\"https\") /b%20c?x=1");
}

#[tokio::test]
async fn kong_ctx_spans_both_layers_and_all_phases() {
    use crate::support::App;

    let app = App::builder()
        .access("kong.ctx.shared.who = 'pre' kong.ctx.plugin.mine = 'pre'")
        .post_function(
            Phase::Access,
            "kong.ctx.shared.who = kong.ctx.shared.who .. ' post' kong.ctx.plugin.mine = 'post'",
        )
        .header_filter("kong.response.set_header('x-pre', kong.ctx.plugin.mine)")
        .post_function(
            Phase::HeaderFilter,
            "kong.response.set_header('x-post', kong.ctx.plugin.mine)
             kong.response.set_header('x-shared', kong.ctx.shared.who)",
        )
        .serve()
        .await;
    let reply = app.get("/").send().await;
    assert_eq!(
        [reply.header("x-pre"), reply.header("x-post"), reply.header("x-shared")],
        ["pre", "post", "pre post"]
    );
}

#[tokio::test]
async fn a_body_limit_outside_is_found_by_extractors_inside() {
    let reads = "local body, why = kong.request.get_raw_body() kong.log.info(why)";
    for source in ["kong.ctx.shared.seen = true", reads, "ngx.req.read_body()", "ngx.sleep(0)"] {
        let functions = || Functions::access("limited", source).unwrap();
        let handler = || Router::new().route("/", post(|body: Bytes| async move { body }));
        let limit = || RequestBodyLimitLayer::new(10);
        let layered = handler()
            .layer(PostFunctionLayer::new(functions()))
            .layer(PreFunctionLayer::new(functions()))
            .layer(limit());
        let stacked =
            ServiceBuilder::new().layer(limit()).layer(PreFunctionLayer::new(functions()));
        for app in [layered, handler().layer(stacked)] {
            let chunks = Chunks::new(4, 5);
            let request = Request::post("/").body(axum::body::Body::new(chunks)).unwrap();
            let response = app.oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE, "{source}");
        }
    }
}

#[tokio::test]
async fn the_id_that_tower_http_gives_a_request_is_that_of_functions() {
    let source = "kong.response.exit(200, ngx.var.kong_request_id .. ' ' .. ngx.req.get_headers()['x-request-id'])";
    let functions = Functions::access("id", source).unwrap();
    let service = ServiceBuilder::new()
        .layer(request_id::SetRequestIdLayer::x_request_id(Numbered))
        .layer(PreFunctionLayer::new(functions))
        .service(service_fn(|_: Request<_>| async {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }));
    let response = service.oneshot(Request::new(Full::<Bytes>::default())).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "number-1 number-1");
}

#[derive(Clone)]
struct Numbered;

impl request_id::MakeRequestId for Numbered {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<request_id::RequestId> {
        Some(request_id::RequestId::new(http::HeaderValue::from_static("number-1")))
    }
}
