//! To the service, and back.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::routing::any;
use futures_util::{SinkExt, StreamExt};
use http::{Method, Response};
use http_body_util::BodyExt;

use crate::support::{Gateway, Start, echo_upstream, serve, unused_addr};

/// A gateway before `upstream`, with a function in `phase`.
fn before(upstream: std::net::SocketAddr, phase: &str, function: &str) -> Gateway {
    Gateway::of_file(&file(upstream, phase, function))
}

fn file(upstream: std::net::SocketAddr, phase: &str, function: &str) -> String {
    serde_json::json!({
        "_format_version": "3.0",
        "services": [{
            "name": "service",
            "url": format!("http://{upstream}"),
            "routes": [{ "paths": ["/api"] }],
            "plugins": [{ "name": "pre-function", "config": { phase: [function] } }],
        }],
    })
    .to_string()
}

#[tokio::test]
async fn the_service_is_told_about_the_client() {
    let gateway = before(echo_upstream().await, "access", "local _ = 1");
    let reply = gateway
        .get("/api/orders")
        .header("host", "shop.example")
        .header("x-forwarded-for", "10.1.1.1")
        .send()
        .await;
    let headers = &reply.json()["headers"];
    assert_eq!(headers["x-forwarded-for"], "10.1.1.1, 127.0.0.1");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(headers["x-forwarded-host"], "shop.example");
    assert_eq!(headers["x-forwarded-port"], gateway.proxy.port().to_string());
    assert_eq!(headers["x-forwarded-path"], "/api/orders");
    assert_eq!(headers["x-forwarded-prefix"], "/api");
    assert_eq!(headers["x-real-ip"], "127.0.0.1");
    assert_eq!(headers["x-kong-request-id"].as_str().map(str::len), Some(32));
    assert_ne!(headers["host"], "shop.example");
}

#[tokio::test]
async fn what_is_between_two_neighbours_is_not_passed_on() {
    let gateway = before(echo_upstream().await, "access", "local _ = 1");
    let reply = gateway
        .get("/api")
        .header("connection", "keep-alive, x-private")
        .header("x-private", "1")
        .header("te", "trailers")
        .header("x-public", "2")
        .send()
        .await;
    let headers = &reply.json()["headers"];
    assert_eq!(headers["x-public"], "2");
    for name in ["x-private", "te", "connection"] {
        assert!(headers.get(name).is_none(), "{name} in {headers}");
    }
}

#[tokio::test]
async fn what_a_function_says_of_transfer_codings_is_passed_on() {
    let function = "ngx.var.upstream_te = 'trailers'";
    let gateway = before(echo_upstream().await, "access", function);
    let reply = gateway.get("/api").header("te", "gzip").send().await;
    assert_eq!(reply.json()["headers"]["te"], "trailers");
}

#[tokio::test]
async fn a_function_changes_everything_about_the_request() {
    let gateway = before(
        echo_upstream().await,
        "access",
        r#"
        kong.service.request.set_method("PUT")
        kong.service.request.set_path("/elsewhere")
        kong.service.request.set_query({ page = 2 })
        kong.service.request.set_header("x-added", "yes")
        kong.service.request.set_raw_body("another body")
        "#,
    );
    let seen = gateway.call(Method::POST, "/api/x?page=1").body("a body").send().await.json();
    assert_eq!(seen["method"], "PUT");
    assert_eq!(seen["uri"], "/elsewhere?page=2");
    assert_eq!(seen["headers"]["x-added"], "yes");
    assert_eq!(seen["headers"]["content-length"], "12");
    assert_eq!(seen["body"], "another body");
}

#[tokio::test]
async fn a_function_changes_everything_about_the_response() {
    let app = Router::new().fallback(any(|| async { "from the service" }));
    let upper = before(serve(app.clone()).await, "body_filter", "ngx.arg[1] = ngx.arg[1]:upper()");
    let reply = upper.get("/api").send().await;
    assert_eq!(reply.text(), "FROM THE SERVICE");
    let teapot = before(
        serve(app).await,
        "header_filter",
        "kong.response.set_status(418) kong.response.set_header('x-pot', 'tea')",
    );
    let reply = teapot.get("/api").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-pot")), (418, "tea"));
    assert_eq!(reply.text(), "from the service");
}

#[tokio::test]
async fn a_service_that_is_not_there_is_a_502_that_functions_see() {
    let gateway = before(
        unused_addr(),
        "header_filter",
        "kong.response.set_header('x-status', kong.response.get_status())",
    );
    let reply = gateway.get("/api").send().await;
    assert_eq!(reply.status, 502);
    assert_eq!(reply.header("x-status"), "502");
    assert_eq!(
        reply.json()["message"],
        "An invalid response was received from the upstream server"
    );
    gateway.logged("cannot reach the service");
}

#[tokio::test]
async fn a_function_that_answers_needs_no_service() {
    let answer = "return kong.response.exit(200, { from = 'the function' })";
    let gateway = before(unused_addr(), "access", answer);
    assert_eq!(gateway.get("/api").send().await.json()["from"], "the function");
}

#[tokio::test]
async fn clients_may_speak_http2() {
    let gateway = before(
        echo_upstream().await,
        "access",
        "kong.service.request.set_header('x-version', kong.request.get_http_version())",
    );
    let reply = gateway.get("/api").http2().send().await;
    assert_eq!(reply.json()["headers"]["x-version"], "2");
}

#[tokio::test]
async fn web_sockets_pass() {
    async fn shout(mut socket: WebSocket) {
        while let Some(Ok(Message::Text(text))) = socket.recv().await {
            socket.send(Message::text(text.to_uppercase())).await.unwrap();
        }
    }
    let app = Router::new()
        .route("/ws", any(|upgrade: WebSocketUpgrade| async move { upgrade.on_upgrade(shout) }));
    let gateway = before(
        serve(app).await,
        "header_filter",
        "kong.response.set_header('x-seen', kong.response.get_status())",
    );
    let url = format!("ws://{}/api/ws", gateway.proxy);
    let (mut socket, response) = tokio_tungstenite::connect_async(url).await.unwrap();
    assert_eq!(response.headers()["x-seen"], "101");
    for word in ["one", "two"] {
        let message = tokio_tungstenite::tungstenite::Message::text(word);
        socket.send(message).await.unwrap();
        let reply = socket.next().await.unwrap().unwrap();
        assert_eq!(reply.into_text().unwrap(), word.to_uppercase());
    }
}

#[tokio::test]
async fn a_body_streams_through_while_the_service_still_makes_it() {
    let (sender, chunks) = tokio::sync::mpsc::channel::<Result<&str, std::io::Error>>(1);
    let chunks = Arc::new(Mutex::new(chunks));
    let app = Router::new().fallback(any(async move || {
        let chunks =
            futures_util::stream::poll_fn(move |context| chunks.lock().unwrap().poll_recv(context));
        Response::new(Body::from_stream(chunks))
    }));
    let gateway = before(serve(app).await, "body_filter", "local chunk = ngx.arg[1]");
    let response = tokio::spawn(gateway.get("/api").open());
    sender.send(Ok("first")).await.unwrap();
    let mut body = response.await.unwrap().unwrap().into_body().into_data_stream();
    // The service has not ended its body: what it has sent arrives all the same.
    assert_eq!(body.next().await.unwrap().unwrap(), "first");
    sender.send(Ok("second")).await.unwrap();
    assert_eq!(body.next().await.unwrap().unwrap(), "second");
    drop(sender);
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn the_host_is_kept_where_the_route_says_so() {
    let upstream = echo_upstream().await;
    let file = format!(
        r#"{{"_format_version": "3.0", "services": [{{"url": "http://{upstream}",
            "routes": [{{"paths": ["/"], "preserve_host": true}}]}}]}}"#
    );
    let gateway = Start::of_file(&file).serving();
    let seen = gateway.get("/").header("host", "shop.example").send().await.json();
    assert_eq!(seen["headers"]["host"], "shop.example");
}
