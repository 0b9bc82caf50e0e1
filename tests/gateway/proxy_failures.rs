//! Services that are not there, that are silent, or that break off.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::{Method, Response};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Gateway, Reserved, kong_yml, serve, unused_addr};

#[tokio::test]
async fn a_service_that_is_silent_is_a_504() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let file = kong_yml(addr, &json!({ "read_timeout": 100 }), &json!({}));
    let gateway = Gateway::of_file(&file);
    let reply = gateway.get("/").send().await;
    assert_eq!(reply.status, 504);
    let body = reply.json();
    assert_eq!(body["message"], "The upstream server is timing out");
    assert_eq!(body["request_id"], reply.header("x-kong-request-id"));
    drop(listener);
}

#[tokio::test]
async fn the_page_of_a_failure_is_in_the_format_that_the_client_asks_for() {
    let file = kong_yml(unused_addr(), &json!({ "retries": 0 }), &json!({}));
    let gateway = Gateway::of_file(&file);
    let text = "An invalid response was received from the upstream server";
    for (accept, kind) in [
        ("*/*", "application/json; charset=utf-8"),
        ("text/html", "text/html; charset=utf-8"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("application/xml", "application/xml; charset=utf-8"),
    ] {
        let reply = gateway.get("/").header("accept", accept).send().await;
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (502, kind));
        assert!(reply.text().contains(text), "{}", reply.text());
    }
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_a_503() {
    let file = kong_yml(
        unused_addr(),
        &json!({ "url": "http://nowhere.invalid", "retries": 0 }),
        &json!({}),
    );
    let reply = Gateway::of_file(&file).get("/").send().await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.text(), r#"{"message":"name resolution failed"}"#);
}

#[tokio::test]
async fn a_connection_is_tried_again_as_often_as_the_service_says() {
    // The first connections are refused: the service only begins to listen after some time.
    let reserved = Reserved::new();
    let file = kong_yml(reserved.addr(), &json!({ "retries": 32767 }), &json!({}));
    let gateway = Gateway::of_file(&file);
    let reply = tokio::spawn(gateway.call(Method::POST, "/").body("sent once").send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let listener = reserved.listen();
    let app = Router::new().fallback(any(|body: String| async { body }));
    tokio::spawn(async { axum::serve(listener, app).await });
    assert_eq!(reply.await.unwrap().text(), "sent once");
}

#[tokio::test]
async fn a_request_that_was_sent_is_not_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let file = kong_yml(listener.local_addr().unwrap(), &json!({}), &json!({}));
    let gateway = Gateway::of_file(&file);
    let reply = tokio::spawn(gateway.call(Method::POST, "/").body("an order").send());
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut seen = [0; 1024];
    assert!(stream.read(&mut seen).await.unwrap() > 0);
    drop(stream);
    assert_eq!(reply.await.unwrap().status, 502);
    let again = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
    assert!(again.is_err(), "the order was placed twice");
}

#[tokio::test]
async fn a_connection_that_the_service_has_closed_meanwhile_costs_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let file = kong_yml(listener.local_addr().unwrap(), &json!({ "retries": 0 }), &json!({}));
    let gateway = Gateway::of_file(&file);
    tokio::spawn(async move {
        loop {
            // Each connection answers once, without a word that it will be closed.
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = [0; 4096];
            if stream.read(&mut seen).await.unwrap() > 0 {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    for _ in 0..10 {
        assert_eq!(gateway.get("/").send().await.status, 200);
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_a_502() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let file = kong_yml(listener.local_addr().unwrap(), &json!({}), &json!({}));
    let gateway = Gateway::of_file(&file);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"SSH-2.0-server\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    assert_eq!(gateway.get("/").send().await.status, 502);
}

#[tokio::test]
async fn a_body_that_breaks_off_breaks_off_for_the_client() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let file = kong_yml(listener.local_addr().unwrap(), &json!({}), &json!({}));
    let gateway = Gateway::of_file(&file);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = [0; 4096];
            let _ = stream.read(&mut seen).await;
            let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst";
            stream.write_all(half).await.unwrap();
        }
    });
    assert!(gateway.get("/").try_send().await.is_err());
    // The gateway goes on.
    assert!(gateway.get("/").try_send().await.is_err());
}

#[tokio::test]
async fn a_body_that_stops_is_given_up() {
    let app = Router::new().fallback(any(|| async {
        let first = futures_util::stream::iter([Ok::<_, std::io::Error>("first")]);
        let chunks = futures_util::StreamExt::chain(first, futures_util::stream::pending());
        Response::new(Body::from_stream(chunks))
    }));
    let file = kong_yml(serve(app).await, &json!({ "read_timeout": 100 }), &json!({}));
    let began = Instant::now();
    assert!(Gateway::of_file(&file).get("/").try_send().await.is_err());
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_route_for_https_alone_asks_for_it() {
    let app = Router::new();
    let file = json!({
        "_format_version": "3.0",
        "services": [{ "name": "s", "url": format!("http://{}", serve(app).await), "routes": [
            { "paths": ["/"], "protocols": ["https"] },
        ]}],
    });
    let gateway = Gateway::of_file(&file.to_string());
    let reply = gateway.get("/").send().await;
    assert_eq!(reply.status, 426);
    assert_eq!(reply.text(), r#"{"message":"Please use HTTPS protocol"}"#);
    assert_eq!(
        (reply.header("connection"), reply.header("upgrade")),
        ("Upgrade", "TLS/1.2, HTTP/1.1")
    );
}

#[tokio::test]
async fn functions_are_told_that_no_service_has_answered() {
    let source = "kong.response.set_header('x-source', kong.response.get_source())
                  kong.response.set_header('x-status', tostring(kong.service.response.get_status()))";
    let later = "kong.log.err('told in ', ngx.get_phase(), ': ', kong.response.get_source(), ';')";
    let config = json!({ "header_filter": [source], "body_filter": [later], "log": [later] });
    let plugins = json!([{ "name": "pre-function", "config": config }]);
    let closed = json!({ "retries": 0, "plugins": plugins });
    let gateway = Gateway::of_file(&kong_yml(unused_addr(), &closed, &json!({})));
    let reply = gateway.get("/").send().await;
    let told = (reply.header("x-source"), reply.header("x-status"));
    assert_eq!((reply.status.as_u16(), told), (502, ("error", "nil")));
    gateway.logged("told in body_filter: error;");
    gateway.logged("told in log: error;");

    let ends = json!([{ "name": "request-termination", "config": { "status_code": 503 } }]);
    let file = kong_yml(unused_addr(), &closed, &json!({ "plugins": ends }));
    assert_eq!(Gateway::of_file(&file).get("/").send().await.header("x-source"), "exit");
}
