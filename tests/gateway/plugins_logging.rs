//! `file-log` and `http-log`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::{Gateway, Start, echo_upstream, serve, shop, with_plugins};

/// What a server of logs was sent.
struct Sent {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Value,
}

/// A server of logs, which fails the first `failures` times.
async fn server(failures: usize) -> (SocketAddr, UnboundedReceiver<Sent>) {
    let (sender, sent) = unbounded_channel();
    let left = Arc::new(AtomicUsize::new(failures));
    let app = Router::new().fallback(move |request: Request| {
        let (sender, left) = (sender.clone(), Arc::clone(&left));
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let failed =
                left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
            if failed.is_ok() {
                return StatusCode::INTERNAL_SERVER_ERROR;
            }
            let body = serde_json::from_slice(&body).unwrap();
            let path = head.uri.to_string();
            sender.send(Sent { method: head.method, path, headers: head.headers, body }).unwrap();
            StatusCode::OK
        }
    });
    (serve(app).await, sent)
}

async fn gateway(plugins: &[(&str, Value)]) -> Gateway {
    Gateway::of_file(&with_plugins(echo_upstream().await, plugins))
}

/// A queue that waits for an hour, or until it is full.
fn patient(max_batch_size: u32) -> Value {
    json!({ "max_batch_size": max_batch_size, "max_coalescing_delay": 3600 })
}

#[tokio::test]
async fn each_request_is_told_to_a_server() {
    let (addr, mut sent) = server(0).await;
    let gateway = gateway(&[(
        "http-log",
        json!({
            "http_endpoint": format!("http://bob:open%20sesame@{addr}/logs?from=here"),
            "method": "PUT",
            "headers": { "x-from": "the gateway" },
            "custom_fields_by_lua": {
                "who": "return kong.request.get_header('x-who')",
                "request.headers.x-who": "return nil -- not twice",
            },
        }),
    )])
    .await;
    let call = gateway.get("/all?a=1").header("x-who", "ada").header("authorization", "secret");
    assert_eq!(call.send().await.status, 200);
    let Sent { method, path, headers, body } = sent.recv().await.unwrap();
    assert_eq!((method.as_str(), path.as_str()), ("PUT", "/logs?from=here"));
    assert_eq!(headers["x-from"], "the gateway");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["authorization"], "Basic Ym9iOm9wZW4gc2VzYW1l");
    assert_eq!(headers["host"], addr.to_string());
    assert_eq!(body["request"]["uri"], "/all?a=1");
    assert_eq!(body["request"]["headers"]["authorization"], "REDACTED");
    assert!(body["request"]["headers"].get("x-who").is_none(), "{body}");
    assert_eq!((&body["who"], &body["response"]["status"]), (&json!("ada"), &json!(200)));
    assert_eq!(
        (&body["route"]["name"], &body["service"]["name"]),
        (&json!("route"), &json!("service"))
    );
    assert!(body["latencies"]["proxy"].as_i64().unwrap() >= 0, "{body}");
}

#[tokio::test]
async fn several_are_told_together() {
    let (addr, mut sent) = server(0).await;
    let config = json!({ "http_endpoint": format!("http://{addr}"), "queue": patient(3) });
    let gateway = gateway(&[("http-log", config)]).await;
    for path in ["/1", "/2", "/3"] {
        gateway.get(path).send().await;
    }
    let uris: Vec<_> = uris(&sent.recv().await.unwrap());
    assert_eq!(uris, ["/1", "/2", "/3"]);
}

fn uris(sent: &Sent) -> Vec<String> {
    let entries = sent.body.as_array().unwrap();
    entries.iter().map(|entry| entry["request"]["uri"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_does_not_take_it_is_sent_again() {
    let (addr, mut sent) = server(2).await;
    let gateway =
        gateway(&[("http-log", json!({ "http_endpoint": format!("http://{addr}") }))]).await;
    gateway.get("/once").send().await;
    assert_eq!(sent.recv().await.unwrap().body["request"]["uri"], "/once");
    gateway.logged("http-log: will try again: 127.0.0.1");
    gateway.get("/twice").send().await;
    assert_eq!(sent.recv().await.unwrap().body["request"]["uri"], "/twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_takes_is_lost_in_the_end() {
    let (addr, mut sent) = server(1).await;
    let queue = json!({ "max_retry_time": 0 });
    let config = json!({ "http_endpoint": format!("http://{addr}"), "queue": queue });
    let gateway = gateway(&[("http-log", config)]).await;
    gateway.get("/lost").send().await;
    gateway.logged("http-log: 1 entries are lost: 127.0.0.1");
    gateway.get("/told").send().await;
    assert_eq!(sent.recv().await.unwrap().body["request"]["uri"], "/told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_has_told_everything() {
    let (addr, mut sent) = server(1).await;
    let config = json!({ "http_endpoint": format!("http://{addr}"), "queue": patient(100) });
    let mut gateway = gateway(&[("http-log", config)]).await;
    gateway.get("/1").send().await;
    gateway.get("/2").send().await;
    gateway.said_to_the_end();
    assert_eq!(uris(&sent.recv().await.unwrap()), ["/1", "/2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_full_loses_what_is_oldest() {
    let (addr, mut sent) = server(0).await;
    let mut queue = patient(100);
    queue["max_entries"] = json!(2);
    let config = json!({ "http_endpoint": format!("http://{addr}"), "queue": queue });
    let mut gateway = gateway(&[("http-log", config)]).await;
    for path in ["/1", "/2", "/3", "/4"] {
        gateway.get(path).send().await;
    }
    assert!(gateway.said_to_the_end().contains("a log is full"));
    assert_eq!(uris(&sent.recv().await.unwrap()), ["/3", "/4"]);
}

#[tokio::test]
async fn requests_that_are_refused_or_have_no_route_are_told_of() {
    let (addr, mut sent) = server(0).await;
    let plugins = json!([
        { "name": "http-log", "config": { "http_endpoint": format!("http://{addr}") } },
        { "name": "key-auth", "config": { "keys": ["k"] } },
    ]);
    let file = json!({ "_format_version": "3.0", "plugins": plugins, "services": [{
        "url": format!("http://{}", echo_upstream().await), "routes": [{ "paths": ["/all"] }],
    }] });
    let gateway = Gateway::of_file(&file.to_string());
    for (path, status) in [("/all", 401), ("/nowhere", 404)] {
        assert_eq!(gateway.get(path).send().await.status, status);
        let body = sent.recv().await.unwrap().body;
        assert_eq!(
            (&body["response"]["status"], &body["source"]),
            (&json!(status), &json!("kong"))
        );
        assert_eq!(body["latencies"]["proxy"], -1, "{body}");
    }
    gateway.get("/all").header("apikey", "k").send().await;
    let body = sent.recv().await.unwrap().body;
    assert_eq!((&body["response"]["status"], &body["source"]), (&json!(200), &json!("upstream")));
}

#[tokio::test]
async fn a_consumer_may_be_told_of_elsewhere() {
    let (everybody, mut of_everybody) = server(0).await;
    let (alice, mut of_alice) = server(0).await;
    let log = |addr: SocketAddr| json!({ "http_endpoint": format!("http://{addr}") });
    let file = json!({
        "_format_version": "3.0",
        "consumers": [{ "username": "alice", "keyauth_credentials": [{ "key": "a" }] }],
        "services": [{ "url": format!("http://{}", echo_upstream().await), "routes": [{
            "paths": ["/"],
            "plugins": [
                { "name": "key-auth", "config": { "keys": ["b"] } },
                { "name": "http-log", "config": log(everybody) },
                { "name": "http-log", "consumer": "alice", "config": log(alice) },
            ],
        }] }],
    });
    let gateway = Gateway::of_file(&file.to_string());
    gateway.get("/1").header("apikey", "a").send().await;
    let body = of_alice.recv().await.unwrap().body;
    assert_eq!(body["consumer"]["username"], "alice");
    gateway.get("/2").header("apikey", "b").send().await;
    assert_eq!(of_everybody.recv().await.unwrap().body["request"]["uri"], "/2");
}

/// The lines of a file as soon as there are `count`.
async fn lines(path: &Path, count: usize) -> Vec<Value> {
    for _ in 0..1000 {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.ends_with('\n') && text.lines().count() >= count {
            return text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{count} lines are not in {}", path.display());
}

#[tokio::test]
async fn a_file_gets_a_line_for_each_request() {
    let start = Start::new();
    let path = start.directory().join("requests.log");
    let config = json!({
        "path": path, "custom_fields_by_lua": { "number": "return 7", "service": "return nil" },
    });
    let file =
        start.file("kong.yml", &with_plugins(echo_upstream().await, &[("file-log", config)]));
    let gateway = start.arg("--declarative-config").arg(file).serving();
    gateway.get("/1").send().await;
    gateway.get("/2").send().await;
    let lines = lines(&path, 2).await;
    for (line, uri) in lines.iter().zip(["/1", "/2"]) {
        assert_eq!((&line["request"]["uri"], &line["number"]), (&json!(uri), &json!(7)));
        assert!(line.get("service").is_none(), "{line}");
    }
}

#[tokio::test]
async fn the_fields_of_a_log_are_counted_and_their_failures_are_listed() {
    let gateway = shop().await;
    let fields = json!({ "broken": "error('on purpose')" });
    let config = json!({ "path": "/nowhere/requests.log", "custom_fields_by_lua": fields });
    let plugin = json!({ "name": "file-log", "config": config });
    let id = gateway.post("/plugins", &plugin).await.json()["id"].clone();
    gateway.get("/").send().await;
    gateway.logged("on purpose");
    let failures = gateway.admin("/functions/failures").send().await.json();
    let failure = &failures["data"][0];
    assert_eq!((&failure["plugin"]["id"], &failure["plugin_name"]), (&id, &json!("file-log")));
    assert!(failure["message"].as_str().unwrap().ends_with("on purpose"), "{failure}");
    let counted = gateway.admin("/functions/metrics").send().await.json();
    let counted = &counted["data"][0];
    assert_eq!((&counted["plugin"]["id"], &counted["name"]), (&id, &json!("file-log")));
    assert_eq!((&counted["phase"], &counted["errors"]["runtime"]), (&json!("log"), &json!(1)));
    let metrics = gateway.admin("/metrics").send().await.text();
    assert!(metrics.contains(r#"kong_lua_function_calls_total{name="file-log","#), "{metrics}");
}

#[tokio::test]
async fn a_file_that_is_moved_away_is_made_anew_where_it_is_opened_each_time() {
    let start = Start::new();
    let (path, moved) = (start.directory().join("now.log"), start.directory().join("before.log"));
    let config = json!({ "path": path, "reopen": true });
    let file =
        start.file("kong.yml", &with_plugins(echo_upstream().await, &[("file-log", config)]));
    let gateway = start.arg("--declarative-config").arg(file).serving();
    gateway.get("/1").send().await;
    lines(&path, 1).await;
    std::fs::rename(&path, &moved).unwrap();
    gateway.get("/2").send().await;
    assert_eq!(lines(&path, 1).await[0]["request"]["uri"], "/2");
    assert_eq!(lines(&moved, 1).await.len(), 1);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_told_of() {
    let gateway = gateway(&[("file-log", json!({ "path": "/nowhere/requests.log" }))]).await;
    assert_eq!(gateway.get("/").send().await.status, 200);
    gateway.logged("file-log: 1 entries are lost: cannot write /nowhere/requests.log");
}

#[tokio::test]
async fn what_is_wrong_with_a_log_is_told() {
    let gateway = Gateway::empty();
    let http = |fields: Value| {
        let mut config = json!({ "http_endpoint": "http://logs.test" });
        config.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        ("http-log", config)
    };
    for ((name, config), expected) in [
        (("file-log", json!({})), "required field missing"),
        (("file-log", json!({ "path": "a*b" })), "not a valid filename"),
        (("http-log", json!({ "http_endpoint": "logs.test" })), "begins with http://"),
        (http(json!({ "method": "GET" })), "expected one of: POST, PUT, PATCH"),
        (http(json!({ "headers": { "Host": "a" } })), "cannot contain 'Host' header"),
        (http(json!({ "queue": { "max_batch_size": 0 } })), "value should be between 1"),
        (http(json!({ "queue": { "initial_retry_delay": 0 } })), "must be greater than 0"),
        (http(json!({ "custom_fields_by_lua": { "a": "return (" } })), "error parsing http-log"),
    ] {
        let reply = gateway.post("/plugins", &json!({ "name": name, "config": config })).await;
        assert_eq!(reply.status, 400, "{config}");
        assert!(reply.text().contains(expected), "{}", reply.text());
    }
    let plugin = json!({ "name": "http-log", "config": http(json!({})).1 });
    let made = gateway.post("/plugins", &plugin).await.json();
    let queue = json!({
        "max_batch_size": 1, "max_coalescing_delay": 1, "max_entries": 10000, "max_bytes": null,
        "initial_retry_delay": 0.01, "max_retry_time": 60, "max_retry_delay": 60,
        "concurrency_limit": 1,
    });
    assert_eq!(made["config"]["queue"], queue);
}
