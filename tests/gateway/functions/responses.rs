//! What becomes of responses on their way to the client.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::json;

use super::{before, before_echo};
use crate::support::serve;

/// A service that answers with this.
async fn answering(content_type: &'static str, body: &'static str) -> std::net::SocketAddr {
    let answer = move || async move { ([(http::header::CONTENT_TYPE, content_type)], body) };
    serve(Router::new().fallback(any(answer))).await
}

/// A service that sends these chunks.
async fn streaming(chunks: &'static [&'static str]) -> std::net::SocketAddr {
    let stream = move || async move {
        let chunks =
            chunks.iter().map(|chunk| Ok::<_, Infallible>(Bytes::from_static(chunk.as_bytes())));
        Body::from_stream(futures_util::stream::iter(chunks))
    };
    serve(Router::new().fallback(any(stream))).await
}

#[tokio::test]
async fn secrets_in_json_are_masked() {
    let upstream = answering(
        "application/json",
        r#"{"users":[{"name":"ada","password":"x"}],"ssn":"1","tags":{}}"#,
    );
    let reply = before("redact-json", upstream.await).get("/").send().await;
    let expected = json!({"users": [{"name": "ada", "password": "***"}], "ssn": "***", "tags": {}});
    assert_eq!(reply.json(), expected);
}

#[tokio::test]
async fn what_is_not_json_passes_unmasked() {
    let upstream = answering("text/plain", "password: x").await;
    let reply = before("redact-json", upstream).get("/").send().await;
    assert_eq!(reply.text(), "password: x");
}

#[tokio::test]
async fn a_body_may_grow_though_content_length_was_forgotten() {
    let upstream = answering("application/json", "[1,2,3]").await;
    let reply = before("envelope", upstream).get("/").send().await;
    assert_eq!(reply.text(), r#"{"data":[1,2,3]}"#);
}

#[tokio::test]
async fn a_stream_is_masked_chunk_by_chunk() {
    let upstream =
        streaming(&["card 1234 5678 9012 3456;", " none;", " 1111 2222 3333 4444"]).await;
    let reply = before("mask-stream", upstream).get("/").send().await;
    assert_eq!(reply.text(), "card **** **** **** 3456; none; **** **** **** 4444");
}

#[tokio::test]
async fn a_page_of_maintenance_is_made_from_a_template() {
    let gateway = before_echo("maintenance").await;
    let reply = gateway.get("/").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, "3600"));
    assert_eq!(reply.header("content-type"), "text/html");
    assert!(reply.text().contains("<h1>Maintenance</h1>"), "{}", reply.text());
    assert!(reply.text().contains("Your address: 127.0.0.1"), "{}", reply.text());
    assert_eq!(gateway.get("/").header("x-preview", "please").send().await.status, 200);
}

#[tokio::test]
async fn failures_of_the_service_are_put_in_other_words() {
    let app = Router::new()
        .route("/broken", get(|| async { (StatusCode::BAD_GATEWAY, "stack trace") }))
        .fallback(any(|| async { "fine" }));
    let gateway = before("error-page", serve(app).await);
    let reply = gateway.get("/broken").send().await;
    assert_eq!(reply.status, 502);
    assert_eq!(reply.text(), r#"{"message":"Please try again"}"#);
    assert_eq!(gateway.get("/").send().await.text(), "fine");
}

#[tokio::test]
async fn answers_get_headers_and_lose_some() {
    let app = any(|| async { ([("x-internal-host", "a1"), ("x-service", "b")], "body") });
    let gateway = before("security-headers", serve(Router::new().fallback(app)).await);
    let reply = gateway.get("/").send().await;
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    let policies = reply.headers.get_all("content-security-policy").iter();
    assert_eq!(policies.collect::<Vec<_>>(), ["default-src 'self'", "img-src *"]);
    assert!(!reply.headers.contains_key("x-internal-host"));
    assert!(!reply.headers.contains_key("x-service"));
}

#[tokio::test]
async fn preflights_are_answered_by_the_gateway() {
    let gateway = before_echo("preflight").await;
    let origin = "https://app.example";
    let reply = gateway.call(Method::OPTIONS, "/").header("origin", origin).send().await;
    assert_eq!((reply.status.as_u16(), reply.header("access-control-max-age")), (204, "600"));
    let reply = gateway.get("/").header("origin", origin).send().await;
    assert_eq!(reply.header("access-control-allow-origin"), origin);
    assert_eq!(reply.header("vary"), "Origin");
}

#[tokio::test]
async fn a_status_in_headers_becomes_a_last_frame() {
    let app = any(|| async { ([("grpc-status", "5")], "\0\0\0\0\u{2}ab") });
    let gateway = before("grpc-web", serve(Router::new().fallback(app)).await);
    let reply = gateway.get("/").send().await;
    assert_eq!(reply.header("content-type"), "application/grpc-web+proto");
    assert_eq!(&*reply.body, b"\0\0\0\0\x02ab\x80\0\0\0\x0fgrpc-status:5\r\n");
    assert!(!reply.headers.contains_key("grpc-status"));
}
