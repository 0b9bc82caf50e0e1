//! What an application knows of its requests already, told to functions once for all of them.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use tower_http::request_id;
use tower_lua::{Connection, Functions, Phase, PreFunctionLayer, RequestId, Runtime};

use crate::support::Call;

/// Serves `app` as axum does.
async fn serve(app: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    addr
}

/// A layer whose function answers with what `expressions` are worth.
fn answering(runtime: &Runtime, expressions: &str) -> tower_lua::PreFunctionLayer {
    let source = format!(
        "local values = {{ {expressions} }}
         for i = 1, #values do values[i] = tostring(values[i]) end
         kong.response.exit(200, table.concat(values, ' '))"
    );
    PreFunctionLayer::new(Functions::access("answer", source).unwrap()).runtime(runtime)
}

async fn text(addr: SocketAddr, path: &str) -> String {
    Call::new(addr, http::Method::GET, path).send().await.text()
}

#[tokio::test]
async fn axums_own_knowledge_is_that_of_functions() {
    let runtime = Runtime::builder().connection(tower_lua::axum::describe).build().unwrap();
    let layer = answering(
        &runtime,
        "kong.client.get_ip(), kong.router.get_route().name, kong.request.get_uri_captures().named.id,
         kong.request.get_path(), ngx.var.request_uri, kong.request.get_query_arg('q')",
    );
    let users = Router::new().route("/{id}", get(|| async { "" })).layer(layer);
    let addr = serve(Router::new().nest("/api/users", users)).await;
    let said = text(addr, "/api/users/a%20b?q=1").await;
    assert_eq!(said, "127.0.0.1 /api/users/{id} a b /api/users/a b /api/users/a%20b?q=1 1");
}

#[tokio::test]
async fn a_request_that_passes_goes_where_the_router_had_sent_it() {
    let runtime = Runtime::builder().connection(tower_lua::axum::describe).build().unwrap();
    let functions = Functions::builder("see")
        .function(
            Phase::Access,
            "kong.service.request.set_header('x-path', kong.request.get_path())",
        )
        .function(
            Phase::HeaderFilter,
            "kong.response.set_header('x-path', kong.request.get_path())",
        );
    let layer = PreFunctionLayer::new(functions.build().unwrap()).runtime(&runtime);
    let handler = |uri: http::Uri, headers: http::HeaderMap| async move {
        format!("{uri} {}", headers["x-path"].to_str().unwrap())
    };
    let inner = Router::new().route("/a", get(handler)).layer(layer);
    let addr = serve(Router::new().nest("/outer", inner)).await;
    let reply = Call::new(addr, http::Method::GET, "/outer/a").send().await;
    assert_eq!((reply.header("x-path"), &*reply.text()), ("/outer/a", "/a /outer/a"));
}

#[tokio::test]
async fn what_the_application_says_itself_stays() {
    let runtime = Runtime::builder().connection(tower_lua::axum::describe).build().unwrap();
    let peer = SocketAddr::from(([192, 0, 2, 7], 1));
    let app = Router::new()
        .route("/", get(|| async { "" }))
        .layer(answering(&runtime, "kong.client.get_ip()"))
        .layer(axum::Extension(Connection::new(peer)));
    assert_eq!(text(serve(app).await, "/").await, "192.0.2.7");
}

#[tokio::test]
async fn an_application_describes_what_it_likes() {
    let runtime = Runtime::builder()
        .connection(|extensions| {
            if let Some(ConnectInfo(peer)) = extensions.get::<ConnectInfo<SocketAddr>>().copied() {
                extensions.insert(Connection::new(peer).with_tls(true));
            }
            let id = extensions.get::<request_id::RequestId>();
            if let Some(id) = id.and_then(|id| id.header_value().to_str().ok()).map(RequestId::new)
            {
                extensions.insert(id);
            }
        })
        .build()
        .unwrap();
    let app = Router::new()
        .route("/", get(|| async { "" }))
        .layer(answering(
            &runtime,
            "kong.client.get_ip(), kong.request.get_scheme(), ngx.var.kong_request_id",
        ))
        .layer(request_id::SetRequestIdLayer::x_request_id(Fixed));
    assert_eq!(text(serve(app).await, "/").await, "127.0.0.1 https the-one");
}

#[derive(Clone)]
struct Fixed;

impl request_id::MakeRequestId for Fixed {
    fn make_request_id<B>(&mut self, _: &http::Request<B>) -> Option<request_id::RequestId> {
        Some(request_id::RequestId::new(http::HeaderValue::from_static("the-one")))
    }
}
