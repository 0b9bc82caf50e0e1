//! HTTP/2 on either side.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Gateway, echo_upstream, kong_yml, serve, unused_addr};

#[tokio::test]
async fn the_host_of_an_http2_request_is_its_authority() {
    let route = json!({ "preserve_host": true });
    let gateway = Gateway::of_file(&kong_yml(echo_upstream().await, &json!({}), &route));
    let seen = gateway.get("/x?y").http2().send().await.json();
    assert_eq!(seen["uri"], "/x?y");
    assert_eq!(seen["headers"]["host"], gateway.proxy.to_string());
    assert!(seen["headers"]["via"].as_str().unwrap().starts_with("2 tower-lua/"));
}

#[tokio::test]
async fn crumbs_of_cookies_are_joined() {
    let gateway = Gateway::of_file(&kong_yml(echo_upstream().await, &json!({}), &json!({})));
    let call = gateway.get("/").http2().header("cookie", "a=1").header("cookie", "b=2");
    assert_eq!(call.send().await.json()["headers"]["cookie"], "a=1; b=2");
}

#[tokio::test]
async fn a_grpc_service_gets_http2_with_trailers_both_ways() {
    let app = Router::new().fallback(any(|request: Request<Body>| async move {
        let version = format!("{:?}", request.version());
        let te = request.headers().get("te").map(|te| te.to_str().unwrap().to_owned());
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        trailers.insert("x-version", version.parse().unwrap());
        trailers.insert("x-te", te.unwrap_or_default().parse().unwrap());
        let frames = [
            Ok::<_, std::io::Error>(http_body::Frame::data(body)),
            Ok(http_body::Frame::trailers(trailers)),
        ];
        let body = StreamBody::new(futures_util::stream::iter(frames));
        Response::builder()
            .header("content-type", "application/grpc")
            .body(Body::new(body))
            .unwrap()
    }));
    let upstream = serve(app).await;
    let file = json!({ "_format_version": "3.0", "services": [{
        "name": "grpc", "url": format!("grpc://{upstream}"),
        "routes": [{ "paths": ["/"], "strip_path": false, "protocols": ["grpc"] }],
    }]});
    let gateway = Gateway::of_file(&file.to_string());
    let call = |http2: bool| {
        let call = gateway.call(Method::POST, "/pkg.Service/Method").body("message");
        if http2 { call.http2().header("te", "trailers") } else { call }
    };
    let reply = call(true).header("content-type", "application/grpc").send().await;
    assert_eq!(reply.text(), "message");
    let trailers = reply.trailers.unwrap();
    assert_eq!(trailers["grpc-status"], "0");
    assert_eq!(trailers["x-version"], "HTTP/2.0");
    assert_eq!(trailers["x-te"], "trailers");
    let reply = call(false).send().await;
    assert_eq!(reply.status, 426);
    assert_eq!(reply.json()["message"], "Please use HTTP2 protocol");
    let reply = call(true).send().await;
    assert_eq!(reply.status, 415);
    assert_eq!(reply.json()["message"], "Non-gRPC request matched gRPC route");
}

#[tokio::test]
async fn a_request_that_names_no_host_is_refused() {
    let gateway = Gateway::of_file(&kong_yml(echo_upstream().await, &json!({}), &json!({})));
    // HPACK: entries 2, 6 and 4 of the static table, and then a literal value for 38.
    let pseudo = [0x82, 0x86, 0x84];
    let host = [0x0f, 38 - 15, 1, b'a'];
    // Entries 8 and 12: the statuses 200 and 400.
    assert_eq!(first_of_answer(gateway.proxy, &[&pseudo[..], &host].concat()).await, 0x80 | 8);
    assert_eq!(first_of_answer(gateway.proxy, &pseudo).await, 0x80 | 12);
    assert_eq!(
        first_of_answer(gateway.proxy, &[&pseudo[..], &host, &host].concat()).await,
        0x80 | 12
    );
}

#[tokio::test]
async fn a_request_that_names_two_hosts_is_refused() {
    let gateway = Gateway::of_file(&kong_yml(echo_upstream().await, &json!({}), &json!({})));
    // The authority is `a`.
    let pseudo = [0x82, 0x86, 0x84, 0x41, 1, b'a'];
    for (host, status) in [(b'a', 8), (b'A', 8), (b'b', 12)] {
        let fields = [&pseudo[..], &[0x0f, 38 - 15, 1, host]].concat();
        assert_eq!(first_of_answer(gateway.proxy, &fields).await, 0x80 | status, "{host}");
    }
}

/// The first byte of the head that answers a request whose head is `fields`.
async fn first_of_answer(addr: SocketAddr, fields: &[u8]) -> u8 {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
    let head = [0, 0, fields.len() as u8, 1, 5, 0, 0, 0, 1];
    stream.write_all(&[&head[..], fields].concat()).await.unwrap();
    loop {
        let mut frame = [0; 9];
        stream.read_exact(&mut frame).await.unwrap();
        let length = u32::from_be_bytes([0, frame[0], frame[1], frame[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).await.unwrap();
        if frame[3] == 1 {
            return payload[0];
        }
    }
}

#[tokio::test]
async fn a_grpc_client_is_told_that_its_service_cannot_be_reached() {
    let service = json!({ "retries": 0 });
    let gateway = Gateway::of_file(&kong_yml(unused_addr(), &service, &json!({})));
    for (http2, status, told) in [(true, 200, "13"), (false, 502, "")] {
        let call = gateway.call(Method::POST, "/pkg.Service/Method").body("message");
        let call = call.header("content-type", "application/grpc");
        let reply = if http2 { call.http2() } else { call }.send().await;
        assert_eq!((reply.status.as_u16(), reply.header("grpc-status")), (status, told));
        assert_eq!(reply.text().is_empty(), http2);
    }
}
