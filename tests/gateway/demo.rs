//! `--demo`: the demonstration of Kong's documentation.

use crate::support::{Gateway, Start};

fn demo() -> Gateway {
    Start::new().arg("--demo").serving()
}

#[tokio::test]
async fn a_request_without_the_header_is_refused() {
    let reply = demo().get("/test").send().await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.text(), "Invalid Credentials");
    assert_eq!(reply.header("content-length"), "19");
    assert!(!reply.headers.contains_key("content-type"));
}

#[tokio::test]
async fn a_request_with_the_header_reaches_the_upstream_without_it() {
    let reply = demo().get("/test").header("x-custom-auth", "demo").send().await;
    assert_eq!(reply.status, 200);
    let headers = &reply.json()["headers"];
    assert!(headers["Host"].is_string(), "{headers}");
    assert_eq!(headers["X-Forwarded-Path"], "/test");
    assert!(headers.get("X-Custom-Auth").is_none(), "{headers}");
}

#[tokio::test]
async fn another_path_has_no_route() {
    let reply = demo().get("/other").send().await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.json()["message"], "no Route matched with those values");
}

#[tokio::test]
async fn the_admin_api_tells_what_the_gateway_is_and_how_it_does() {
    let gateway = demo();
    let about = gateway.admin("/").send().await.json();
    assert_eq!(about["plugins"]["enabled_in_cluster"][0], "pre-function");
    gateway.get("/test").send().await;
    let status = gateway.admin("/status").send().await.json();
    assert!(status["lua"]["vms"].as_u64() > Some(0), "{status}");
    assert!(status["lua"]["used_memory"].as_u64() > Some(0), "{status}");
    assert_eq!(gateway.admin("/nothing").send().await.status, 404);
}
