//! HTTP/2, trailers, upgrades: what passes through both layers as it is.

use std::convert::Infallible;

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::WebSocket;
use axum::routing::any;
use http::{HeaderMap, HeaderValue, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio_tungstenite::tungstenite::Message;
use tower::service_fn;
use tower_lua::{Functions, Phase, PostFunctionLayer, PreFunctionLayer};

use crate::support::{App, Chunks};

fn both_layers(app: Router) -> Router {
    let functions = |name| {
        Functions::builder(name)
            .function(Phase::Access, "kong.ctx.shared.seen = true")
            .function(Phase::HeaderFilter, "kong.response.set_header('x-seen', 'yes')")
            .function(Phase::BodyFilter, "local chunk = ngx.arg[1]")
            .function(Phase::Log, "local status = ngx.status")
            .build()
            .unwrap()
    };
    app.layer(PostFunctionLayer::new(functions("post")))
        .layer(PreFunctionLayer::new(functions("pre")))
}

#[tokio::test]
async fn a_web_socket_is_opened_through_both_layers() {
    async fn shout(mut socket: WebSocket) {
        while let Some(Ok(axum::extract::ws::Message::Text(text))) = socket.recv().await {
            let reply = axum::extract::ws::Message::text(text.to_uppercase());
            if socket.send(reply).await.is_err() {
                return;
            }
        }
    }

    let app = Router::new()
        .route("/ws", any(|upgrade: WebSocketUpgrade| async move { upgrade.on_upgrade(shout) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, both_layers(app)).await });

    let (mut socket, response) =
        tokio_tungstenite::connect_async(format!("ws://{addr}/ws")).await.unwrap();
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["x-seen"], "yes");
    futures_util::SinkExt::send(&mut socket, Message::text("hello")).await.unwrap();
    let reply = futures_util::StreamExt::next(&mut socket).await.unwrap().unwrap();
    assert_eq!(reply.into_text().unwrap(), "HELLO");
}

#[tokio::test]
async fn http2_is_served_with_trailers_from_the_service() {
    let service = service_fn(|_: Request<_>| async {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        Ok::<_, Infallible>(Response::new(Chunks::new(3, 5).with_trailers(trailers)))
    });
    let app = App::builder()
        .access("kong.service.request.set_header('x-version', ngx.req.http_version())")
        .header_filter("kong.response.set_header('x-version', ngx.req.http_version())")
        .body_filter("ngx.arg[1] = ngx.arg[1]:upper()")
        .post_function(Phase::BodyFilter, "local chunk = ngx.arg[1]")
        .serve_around(service)
        .await;
    let reply = app.get("/").http2().send().await;
    assert_eq!(reply.header("x-version"), "2");
    assert_eq!(reply.text(), "A".repeat(15));
    assert_eq!(reply.trailers.unwrap()["grpc-status"], "0");
}

#[tokio::test]
async fn trailers_of_a_request_reach_the_service() {
    let service = service_fn(|request: Request<_>| async {
        let collected = http_body_util::BodyExt::collect(request.into_body()).await.unwrap();
        let seen = format!("{:?}", collected.trailers().map(|trailers| &trailers["x-sum"]));
        Ok::<_, Infallible>(Response::new(http_body_util::Full::new(bytes::Bytes::from(seen))))
    });
    for source in ["", "kong.request.get_raw_body()"] {
        let app = App::builder().access(source).serve_around(service).await;
        let trailers = HeaderMap::from_iter([(
            http::HeaderName::from_static("x-sum"),
            HeaderValue::from_static("42"),
        )]);
        let body = Chunks::new(2, 10).with_trailers(trailers);
        let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build_http();
        let request = Request::post(format!("http://{}/", app.addr)).body(body).unwrap();
        let response = client.request(request).await.unwrap();
        let seen = http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
        assert_eq!(seen.to_bytes(), "Some(\"42\")", "{source:?}");
    }
}

#[tokio::test]
async fn an_exit_is_the_same_over_http2() {
    let app = App::access(r#"kong.response.exit(401, { message = "no" })"#).await;
    let reply = app.get("/").http2().send().await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.header("content-length"), "16");
    assert_eq!(reply.text(), r#"{"message":"no"}"#);
}

#[tokio::test]
async fn a_large_header_from_a_client_is_refused_before_any_function_sees_it() {
    let app = App::builder().access(r#"require("recorder")("seen")"#).serve().await;
    let value = vec![b'a'; 1 << 20];
    let mut stream = tokio::net::TcpStream::connect(app.addr).await.unwrap();
    let mut request = b"GET / HTTP/1.1\r\nhost: a\r\nx-long: ".to_vec();
    request.extend(value);
    request.extend(b"\r\n\r\n");
    // The server may close before it has read all of it.
    let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, &request).await;
    let mut start = [0; 12];
    if tokio::io::AsyncReadExt::read_exact(&mut stream, &mut start).await.is_ok() {
        assert_eq!(&start, b"HTTP/1.1 431");
    }
    assert_eq!(app.get("/").send().await.status, 200);
    assert_eq!(app.recorder.entries(), ["seen"]);
}

#[tokio::test]
async fn requests_of_one_connection_keep_apart() {
    let app = App::access(
        r#"kong.response.exit(200, tostring(kong.ctx.shared.x)) kong.ctx.shared.x = 1"#,
    )
    .await;
    let stream = tokio::net::TcpStream::connect(app.addr).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for _ in 0..3 {
        let request = Request::get("/")
            .header("host", "a")
            .body(http_body_util::Empty::<bytes::Bytes>::new())
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
        assert_eq!(body.to_bytes(), "nil");
        sender.ready().await.unwrap();
    }
}

#[tokio::test]
async fn the_host_of_http2_is_a_header_for_functions() {
    let app = App::access(
        r#"kong.response.exit(200, {
            kong.request.get_header("Host"), kong.request.get_headers().host,
            ngx.req.get_headers().host, ngx.var.http_host
        })"#,
    )
    .await;
    let host = app.addr.to_string();
    let reply = app.get("/").http2().send().await;
    assert_eq!(reply.json(), serde_json::json!([host, host, host, host]));
}

#[tokio::test]
async fn what_is_printed_for_http_1_0_has_a_length() {
    let app = App::access("ngx.print('one') ngx.print('two')").await;
    let request = "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n";
    let reply = app.raw(request).await;
    assert!(reply.contains("content-length: 6\r\n"), "{reply}");
    assert!(reply.ends_with("\r\n\r\nonetwo"), "{reply}");
}
