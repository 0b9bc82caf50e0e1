//! HTTP/2 on either side.

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use serde_json::json;

use crate::support::{Gateway, echo_upstream, kong_yml, serve};

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
