//! `kong.response.exit` and `error` for gRPC clients.

use crate::support::{App, Events, Reply};

/// The answer to a gRPC call.
async fn call(source: &str) -> Reply {
    let app = App::access(source).await;
    app.post("/").http2().header("content-type", "application/grpc+proto").send().await
}

/// The headers that say what happened, and the body.
fn seen(reply: &Reply) -> [String; 3] {
    [reply.header("grpc-status").to_owned(), reply.header("grpc-message").to_owned(), reply.text()]
}

#[tokio::test]
async fn the_status_is_translated() {
    for (status, number, meaning) in [
        (200, "0", "OK"),
        (302, "2", "Unknown"),
        (400, "3", "InvalidArgument"),
        (401, "16", "Unauthenticated"),
        (403, "7", "PermissionDenied"),
        (404, "5", "NotFound"),
        (418, "3", "InvalidArgument"),
        (429, "8", "ResourceExhausted"),
        (500, "13", "Internal"),
        (502, "13", "Internal"),
        (503, "14", "Unavailable"),
    ] {
        let reply = call(&format!("kong.response.exit({status})")).await;
        assert_eq!(seen(&reply), [number, meaning, ""], "{status}");
        assert_eq!(reply.status, status);
    }
}

#[tokio::test]
async fn a_text_becomes_the_message() {
    for (arguments, message) in [
        ("401, 'no'", "no"),
        ("401, { message = 'no' }", "no"),
        ("401, 'no', { ['grpc-message'] = 'replaced' }", "no"),
        ("401, nil, { ['grpc-message'] = 'own' }", "own"),
        (r"401, 'a\nb'", "a%0Ab"),
    ] {
        let reply = call(&format!("kong.response.exit({arguments})")).await;
        assert_eq!(seen(&reply), ["16", message, ""], "{arguments}");
    }
}

#[tokio::test]
async fn a_table_without_a_message_is_left_out_with_a_warning() {
    let events = Events::capture();
    let reply = call("kong.response.exit(401, { 1 })").await;
    assert_eq!(seen(&reply), ["16", "Unauthenticated", ""]);
    let message = events.messages().concat();
    let expected = "body was removed because table body encoding with gRPC is not supported";
    assert!(message.ends_with(expected), "{message}");
}

#[tokio::test]
async fn a_response_that_says_it_is_grpc_has_a_body() {
    for source in [
        "kong.response.exit(403, 'raw', { content_type = 'application/grpc' })",
        "kong.response.set_header('Content-Type', 'application/grpc') kong.response.exit(403, 'raw')",
    ] {
        let reply = App::access(source).await.get("/").send().await;
        assert_eq!(seen(&reply), ["7", "PermissionDenied", "raw"], "{source}");
    }
    let source = "kong.response.exit(403, {}, { content_type = 'application/grpc' })";
    assert_eq!(App::access(source).await.get("/").send().await.status, 500);
}

#[tokio::test]
async fn a_response_that_says_it_is_something_else_is() {
    let reply = call("kong.response.exit(403, {}, { content_type = 'text/json' })").await;
    assert_eq!(seen(&reply), ["", "", "{}"]);
}

#[tokio::test]
async fn a_grpc_status_of_the_functions_own_stays() {
    let reply = call("kong.response.exit(200, nil, { ['grpc-status'] = 9 })").await;
    assert_eq!(seen(&reply), ["9", "", ""]);
}

#[tokio::test]
async fn an_error_is_no_page() {
    let reply = call("kong.response.error(429, 'slow down')").await;
    assert_eq!(seen(&reply), ["8", "ResourceExhausted", ""]);
    assert_eq!(reply.header("content-type"), "application/grpc");
}

#[tokio::test]
async fn over_http1_nothing_is_grpc() {
    let app = App::access("kong.response.exit(401, 'no')").await;
    let reply = app.post("/").header("content-type", "application/grpc").send().await;
    assert_eq!(seen(&reply), ["", "", "no"]);
}
