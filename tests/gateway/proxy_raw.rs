//! Requests that no decent client sends, byte by byte: none may be understood in two ways.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Gateway, KeptHead, kong_yml, serve, with_plugins};

/// A gateway before a service that counts its requests.
async fn counting() -> (Gateway, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let app = Router::new().fallback(any(async move |body: axum::body::Bytes| {
        counter.fetch_add(1, Ordering::SeqCst);
        format!("{} bytes", body.len())
    }));
    (Gateway::of_file(&kong_yml(serve(app).await, &json!({}), &json!({}))), count)
}

/// Sends bytes, and reads until the gateway closes the connection or says no more.
async fn exchange(addr: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(Ok(count @ 1..)) =
        tokio::time::timeout(Duration::from_millis(500), stream.read(&mut chunk)).await
    {
        answer.extend_from_slice(&chunk[..count]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn what_could_be_understood_in_two_ways_is_refused() {
    let (gateway, count) = counting().await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    for (title, request) in [
        (
            "two lengths that differ",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\ncontent-length: 35\r\n\r\n",
        ),
        ("a list of lengths", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0, 35\r\n\r\n"),
        ("a length with a sign", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +5\r\n\r\nhello"),
        (
            "a length in hexadecimal",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0x5\r\n\r\nhello",
        ),
        (
            "a coding that is not chunked",
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "chunked, and then something",
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        ),
        (
            "a header that goes on in the next line",
            "GET / HTTP/1.1\r\nhost: a\r\nx-a: b\r\n c\r\n\r\n",
        ),
        (
            "a space before the colon",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length : 5\r\n\r\nhello",
        ),
        ("a header without a name", "GET / HTTP/1.1\r\nhost: a\r\n: b\r\n\r\n"),
        ("a zero byte", "GET / HTTP/1.1\r\nhost: a\r\nx-a: \0\r\n\r\n"),
        ("no HTTP", "HELLO\r\n\r\n"),
        ("two hosts", "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n"),
        ("two hosts that are one", "GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n"),
        ("two hosts of old", "GET / HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n"),
        ("no host", "GET / HTTP/1.1\r\n\r\n"),
        ("no host but in the request line", "GET http://a/ HTTP/1.1\r\n\r\n"),
        ("an empty host", "GET / HTTP/1.1\r\nhost:\r\n\r\n"),
        ("a host with a path", "GET / HTTP/1.1\r\nhost: a/b\r\n\r\n"),
        (
            "chunked twice",
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\
             transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
    ] {
        let answer = exchange(gateway.proxy, format!("{request}{smuggled}").as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.") && answer[8..].starts_with(" 400"),
            "{title}: {answer}"
        );
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{title}: {answer}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0, "something reached the service");
}

#[tokio::test]
async fn a_length_beside_chunks_is_not_believed() {
    let (gateway, count) = counting().await;
    let request = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n\
                   5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n";
    let answer = exchange(gateway.proxy, request.as_bytes()).await;
    // Refused, or taken as chunks: then exactly two requests, the first of five bytes.
    if !answer.starts_with("HTTP/1.1 400") {
        assert!(answer.contains("5 bytes"), "{answer}");
        assert!(answer.matches("HTTP/1.1 200").count() <= 2, "{answer}");
        assert!(count.load(Ordering::SeqCst) <= 2);
    }
}

#[tokio::test]
async fn chunks_that_are_none_end_the_request() {
    let (gateway, _) = counting().await;
    for chunks in [
        "zz\r\nhello\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nx",
        "-1\r\nx\r\n",
        "5\r\nhelloXX0\r\n\r\n",
    ] {
        let request =
            format!("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
        let answer = exchange(gateway.proxy, request.as_bytes()).await;
        assert!(!answer.contains(" 200 "), "{chunks}: {answer}");
    }
    // The gateway goes on.
    assert_eq!(gateway.get("/").send().await.status, 200);
}

#[tokio::test]
async fn heads_have_an_end() {
    let (gateway, count) = counting().await;
    let long = format!("GET / HTTP/1.1\r\nhost: a\r\nx-long: {}\r\n\r\n", "a".repeat(1 << 20));
    let answer = exchange(gateway.proxy, long.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let many = format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: y\r\n".repeat(10_000));
    let answer = exchange(gateway.proxy, many.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(1 << 20));
    let answer = exchange(gateway.proxy, long.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_order() {
    let (gateway, count) = counting().await;
    let one = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc";
    let two = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answer = exchange(gateway.proxy, format!("{one}{two}").as_bytes()).await;
    let (first, second) = (answer.find("3 bytes").unwrap(), answer.find("0 bytes").unwrap());
    assert!(first < second, "{answer}");
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn old_clients_are_served() {
    let (gateway, _) = counting().await;
    let answer = exchange(gateway.proxy, b"GET / HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    assert!(answer.ends_with("0 bytes") && !answer.contains("chunked"), "{answer}");
}

#[tokio::test]
async fn old_clients_may_keep_their_connections() {
    let (gateway, count) = counting().await;
    let kept = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";
    let requests = format!("{kept}{kept}GET / HTTP/1.0\r\n\r\n");
    let answer = exchange(gateway.proxy, requests.as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK\r\n").count(), 3, "{answer}");
    assert_eq!(answer.to_lowercase().matches("connection: keep-alive\r\n").count(), 2, "{answer}");
    assert_eq!(answer.matches("Connection: close\r\n").count(), 1, "{answer}");
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_body_of_unknown_length_ends_with_the_connection_of_an_old_client() {
    let addr = serve(Router::new().fallback(any(|| async { "hello" }))).await;
    let functions =
        [("pre-function", json!({ "body_filter": ["ngx.arg[1] = ngx.arg[1]:upper()"] }))];
    let gateway = Gateway::of_file(&with_plugins(addr, &functions));
    let kept = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";
    let answer = exchange(gateway.proxy, format!("{kept}{kept}").as_bytes()).await;
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nHELLO"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 200 OK\r\n").count(), 1, "{answer}");
}

#[tokio::test]
async fn what_the_gateway_does_not_do_reaches_no_service() {
    let (gateway, count) = counting().await;
    for (request, status) in [
        ("CONNECT /path HTTP/1.1\r\nhost: a\r\n\r\n", "405"),
        ("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n", "405"),
        ("TRACE / HTTP/1.1\r\nhost: a\r\n\r\n", "405"),
        ("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501"),
    ] {
        let answer = exchange(gateway.proxy, request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {answer}");
        assert!(answer.contains("Connection: close\r\n"), "{answer}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn no_function_asks_for_another_protocol() {
    for setter in
        ["ngx.req.set_header", "kong.service.request.set_header", "kong.service.request.add_header"]
    {
        for phase in ["rewrite", "access"] {
            let source =
                format!("{setter}('Connection', 'upgrade') {setter}('Upgrade', 'websocket')");
            let service =
                KeptHead::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned())
                    .await;
            let plugin = json!({ "name": "pre-function", "config": { phase: [source] } });
            let file = json!({ "_format_version": "3.0", "plugins": [plugin], "services": [{
                "url": format!("http://{}", service.addr), "routes": [{ "paths": ["/"] }],
            }]});
            let gateway = Gateway::of_file(&file.to_string());
            let answer =
                exchange(gateway.proxy, b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
                    .await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{setter} in {phase}: {answer}");
            let asked = service.asked().await.to_ascii_lowercase();
            assert!(!asked.contains("upgrade"), "{setter} in {phase}: {asked}");
        }
    }
}
