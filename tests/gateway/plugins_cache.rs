//! `proxy-cache`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Gateway, Reply, Start, serve, with_plugins};

/// A service that numbers its answers. A request says in `x-answer-…` what headers its answer has, and in
/// `x-status` what status.
async fn counting() -> SocketAddr {
    let count = Arc::new(AtomicUsize::new(0));
    serve(Router::new().fallback(move |request: Request| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        async move { answer(number, &request) }
    }))
    .await
}

fn answer(number: usize, request: &Request) -> Response {
    let body =
        if request.uri().path() == "/large" { "x".repeat(100_000) } else { number.to_string() };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("text/plain; charset=utf-8"));
    for (name, value) in request.headers() {
        if let Some(name) = name.as_str().strip_prefix("x-answer-") {
            headers.insert(HeaderName::try_from(name).unwrap(), value.clone());
        }
    }
    if let Some(status) = request.headers().get("x-status") {
        *response.status_mut() = StatusCode::from_bytes(status.as_bytes()).unwrap();
    }
    response
}

async fn gateway(config: Value) -> Gateway {
    let mut whole = json!({ "strategy": "memory" });
    whole.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
    Gateway::of_file(&with_plugins(counting().await, &[("proxy-cache", whole)]))
}

/// What became of a request: what the cache says, and which answer of the service it got.
fn seen(reply: &Reply) -> (String, String) {
    (reply.header("x-cache-status").to_owned(), reply.text())
}

fn as_seen(status: &str, text: &str) -> (String, String) {
    (status.to_owned(), text.to_owned())
}

#[tokio::test]
async fn an_answer_is_good_for_all_who_ask_the_same() {
    let gateway = gateway(json!({})).await;
    let first = gateway.get("/a?x=1&y=2").header("x-answer-x-from", "the service").send().await;
    assert_eq!(seen(&first), as_seen("Miss", "1"));
    assert!(!first.headers.contains_key("age"));
    // The order of arguments is nothing to ask for.
    let second = gateway.get("/a?y=2&x=1").send().await;
    assert_eq!(seen(&second), as_seen("Hit", "1"));
    assert_eq!((second.header("age"), second.header("x-from")), ("0", "the service"));
    assert_eq!(second.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(second.header("x-cache-key"), first.header("x-cache-key"));
    assert_eq!(second.header("x-cache-key").len(), 64);
    for other in ["/a?x=1", "/a?x=2&y=2", "/A?x=1&y=2", "/b?x=1&y=2"] {
        assert_eq!(gateway.get(other).send().await.header("x-cache-status"), "Miss", "{other}");
    }
}

#[tokio::test]
async fn it_is_said_what_makes_a_difference() {
    let gateway = gateway(json!({
        "vary_query_params": ["page"], "vary_headers": ["x-tenant"], "ignore_uri_case": true,
    }))
    .await;
    let ask = async |path: &str, tenant: &str| {
        seen(&gateway.get(path).header("x-tenant", tenant).send().await)
    };
    assert_eq!(ask("/a?page=1&noise=1", "one").await, as_seen("Miss", "1"));
    assert_eq!(ask("/A?noise=2&page=1", "one").await, as_seen("Hit", "1"));
    assert_eq!(ask("/a?page=2", "one").await, as_seen("Miss", "2"));
    assert_eq!(ask("/a?page=1", "two").await, as_seen("Miss", "3"));
}

#[tokio::test]
async fn nobody_gets_what_was_for_somebody_else() {
    let gateway = gateway(json!({})).await;
    let ask = async |name: &str, value: &str| {
        seen(&gateway.get("/").header(name, value).header("x-answer-vary", "x-kind").send().await)
    };
    for (round, found) in ["Miss", "Hit"].into_iter().enumerate() {
        for (name, value) in
            [("authorization", "ada"), ("authorization", "grace"), ("accept-encoding", "gzip")]
        {
            assert_eq!(ask(name, value).await.0, found, "{round} {name} {value}");
        }
    }
    // The service says what else its answers depend on.
    assert_eq!(ask("x-kind", "a").await.0, "Miss");
    assert_eq!(ask("x-kind", "a").await.0, "Hit");
    assert_eq!(ask("x-kind", "b").await.0, "Miss");
    let hosts = ["a.test", "b.test"].map(|host| gateway.get("/host").header("host", host).send());
    for reply in hosts {
        assert_eq!(reply.await.header("x-cache-status"), "Miss");
    }
}

#[tokio::test]
async fn some_answers_are_not_kept() {
    let gateway = gateway(json!({ "response_code": [200, 404] })).await;
    for (path, name, value) in [
        ("/type", "x-answer-content-type", "image/png"),
        ("/cookie", "x-answer-set-cookie", "session=1"),
        ("/vary", "x-answer-vary", "*"),
        ("/status", "x-status", "500"),
    ] {
        for _ in 0..2 {
            let reply = gateway.get(path).header(name, value).send().await;
            assert_eq!(reply.header("x-cache-status"), "Bypass", "{path}");
        }
    }
    let post = gateway.call(Method::POST, "/type").send().await;
    assert_eq!(post.header("x-cache-status"), "Bypass");
    for found in ["Miss", "Hit"] {
        let reply = gateway.get("/missing").header("x-status", "404").send().await;
        assert_eq!((reply.status.as_u16(), reply.header("x-cache-status")), (404, found));
    }
}

#[tokio::test]
async fn types_may_leave_something_open() {
    for (kinds, found) in [
        (json!(["text/*"]), "Miss"),
        (json!(["text/plain; charset=utf-8"]), "Miss"),
        (json!(["text/plain; charset=latin1"]), "Bypass"),
        (json!(["application/json"]), "Bypass"),
    ] {
        let gateway = gateway(json!({ "content_type": kinds })).await;
        assert_eq!(gateway.get("/").send().await.header("x-cache-status"), found, "{kinds}");
    }
}

#[tokio::test]
async fn cache_control_is_heeded_where_that_is_asked_for() {
    let gateway = gateway(json!({ "cache_control": true })).await;
    let ask = async |path: &str, asked: &str, answered: &str| {
        let call = gateway.get(path).header("cache-control", asked);
        call.header("x-answer-cache-control", answered).send().await
    };
    let good = "max-age=1000";
    assert_eq!(ask("/", "only-if-cached", good).await.status, 504);
    assert_eq!(seen(&ask("/", "", good).await), as_seen("Miss", "1"));
    for (asked, found) in [
        ("", "Hit"),
        ("only-if-cached", "Hit"),
        ("max-age=500", "Hit"),
        ("min-fresh=10", "Hit"),
        ("min-fresh=2000", "Refresh"),
        ("no-cache", "Bypass"),
        ("no-store", "Bypass"),
    ] {
        assert_eq!(ask("/", asked, good).await.header("x-cache-status"), found, "{asked}");
    }
    for answered in ["private, max-age=1000", "no-store", "no-cache, max-age=9", "max-age=0", ""] {
        let reply = ask("/other", "", answered).await;
        assert_eq!(reply.header("x-cache-status"), "Bypass", "{answered}");
    }
    let authorized = gateway.get("/").header("authorization", "ada").send().await;
    assert_eq!(authorized.header("x-cache-status"), "Bypass");
}

#[tokio::test]
async fn an_answer_is_old_at_some_time() {
    let config = json!({ "cache_ttl": 1, "storage_ttl": 1000 });
    let gateway = gateway(config).await;
    assert_eq!(seen(&gateway.get("/").send().await), as_seen("Miss", "1"));
    assert_eq!(seen(&gateway.get("/").send().await), as_seen("Hit", "1"));
    let refreshed = loop {
        let reply = gateway.get("/").send().await;
        if reply.header("x-cache-status") != "Hit" {
            break reply;
        }
        assert!(["0", "1"].contains(&reply.header("age")), "{}", reply.header("age"));
    };
    assert_eq!(seen(&refreshed), as_seen("Refresh", "2"));
    assert_eq!(seen(&gateway.get("/").send().await), as_seen("Hit", "2"));
}

#[tokio::test]
async fn heads_and_conditions_are_answered_too() {
    let gateway = gateway(json!({})).await;
    let get = |name: &str, value: &str| {
        gateway.get("/").header("x-answer-etag", "\"a\"").header(name, value).send()
    };
    assert_eq!(get("x-none", "").await.header("x-cache-status"), "Miss");
    let same = get("if-none-match", "\"b\", W/\"a\"").await;
    assert_eq!((same.status.as_u16(), same.header("x-cache-status")), (304, "Hit"));
    assert_eq!((same.text().as_str(), same.header("etag")), ("", "\"a\""));
    assert_eq!(seen(&get("if-none-match", "\"b\"").await), as_seen("Hit", "1"));
    for found in ["Miss", "Hit"] {
        let head = gateway.call(Method::HEAD, "/").send().await;
        assert_eq!((head.header("x-cache-status"), head.header("content-length")), (found, "1"));
    }
}

#[tokio::test]
async fn the_headers_of_the_cache_can_be_left_out() {
    let shown = json!({ "age": false, "X-Cache-Status": false, "X-Cache-Key": false });
    let gateway = gateway(json!({ "response_headers": shown })).await;
    for text in ["1", "1"] {
        let reply = gateway.get("/").send().await;
        assert_eq!(reply.text(), text);
        for name in ["age", "x-cache-status", "x-cache-key"] {
            assert!(!reply.headers.contains_key(name), "{name}");
        }
    }
}

#[tokio::test]
async fn what_is_kept_can_be_looked_at_and_removed() {
    let gateway = gateway(json!({})).await;
    let first = gateway.get("/").header("x-answer-x-from", "the service").send().await;
    let path = format!("/proxy-cache/{}", first.header("x-cache-key"));
    let shown = gateway.admin(&path).send().await.json();
    assert_eq!((&shown["status"], &shown["body"]), (&json!(200), &json!("1")));
    assert_eq!((&shown["ttl"], &shown["headers"]["x-from"]), (&json!(300), &json!("the service")));
    let plugins = gateway.admin("/plugins").send().await.json();
    let id = plugins["data"][0]["id"].as_str().unwrap().to_owned();
    let of_plugin = path.replace("/proxy-cache/", &format!("/proxy-cache/{id}/caches/"));
    assert_eq!(gateway.admin(&of_plugin).send().await.json()["body"], "1");
    let of_nobody = of_plugin.replace(&id, "3f1a3e8e-6a0c-4c5c-9c53-7b3c7cbb5b0e");
    assert_eq!(gateway.admin(&of_nobody).send().await.status, 404);
    let delete = async |path: &str| gateway.admin_call(Method::DELETE, path).send().await.status;
    assert_eq!(delete(&of_plugin).await, 204);
    assert_eq!(delete(&path).await, 404);
    assert_eq!(gateway.admin(&path).send().await.json(), json!({ "message": "Not found" }));
    assert_eq!(seen(&gateway.get("/").send().await), as_seen("Miss", "2"));
    assert_eq!(delete("/proxy-cache").await, 204);
    assert_eq!(seen(&gateway.get("/").send().await), as_seen("Miss", "3"));
}

#[tokio::test]
async fn no_more_is_kept_than_there_is_room_for() {
    let start = Start::new().arg("--mem-cache-size").arg("1m");
    let config = json!({ "strategy": "memory" });
    let file = with_plugins(counting().await, &[("proxy-cache", config)]);
    let file = start.file("kong.yml", &file);
    let gateway = start.arg("--declarative-config").arg(file).serving();
    // Larger than the share of one.
    for _ in 0..2 {
        let reply = gateway.get("/large").send().await;
        assert_eq!((reply.header("x-cache-status"), reply.body.len()), ("Bypass", 100_000));
    }
    // What fits is kept.
    for path in ["/1", "/2"] {
        assert_eq!(gateway.get(path).send().await.header("x-cache-status"), "Miss");
        assert_eq!(gateway.get(path).send().await.header("x-cache-status"), "Hit");
    }
}

#[tokio::test]
async fn a_cache_says_where_it_keeps_things() {
    let gateway = Gateway::empty();
    let cases = [
        (json!({}), "strategy: required field missing"),
        (json!({ "strategy": "redis" }), "expected one of: memory"),
        (json!({ "strategy": "memory", "response_code": [] }), "length must be at least 1"),
        (json!({ "strategy": "memory", "cache_ttl": 0 }), "must be greater than 0"),
        (json!({ "strategy": "memory", "request_method": ["DELETE"] }), "expected one of: HEAD"),
    ];
    gateway.refuses("proxy-cache", &cases).await;
}
