//! Targets that are not well get no requests until they are well again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::any;
use http::Method;
use rustls::crypto::ring;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::{Authority, Gateway, Reserved, balanced, named, serve, unused_addr};

/// A service that answers with a status that the test sets.
async fn ailing() -> (std::net::SocketAddr, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(200));
    let own = Arc::clone(&status);
    let answer = move || {
        let status = StatusCode::from_u16(own.load(Ordering::Relaxed)).unwrap();
        async move { (status, "ailing") }
    };
    (serve(Router::new().fallback(any(answer))).await, status)
}

fn passive(unhealthy: &Value, successes: u16) -> Value {
    json!({ "healthchecks": { "passive": {
        "unhealthy": unhealthy,
        "healthy": { "successes": successes },
    }}})
}

async fn healths(gateway: &Gateway) -> Vec<(String, String)> {
    let health = gateway.admin("/upstreams/shop.upstream/health").send().await.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let one = |target: &Value| (text(&target["target"]), text(&target["health"]));
    let mut all: Vec<_> = health["data"].as_array().unwrap().iter().map(one).collect();
    all.sort();
    all
}

#[tokio::test]
async fn a_target_that_cannot_be_connected_to_is_left_out() {
    let gone = unused_addr();
    let targets = [(gone, 1), (named("b").await, 1)];
    let upstream = passive(&json!({ "tcp_failures": 2 }), 0);
    let file = balanced(&upstream, &targets).replace(r#""host":"#, r#""retries":0,"host":"#);
    let gateway = Gateway::of_file(&file);
    let mut failed = 0;
    for _ in 0..20 {
        failed += usize::from(gateway.get("/").send().await.status == 502);
    }
    assert_eq!(failed, 2);
    gateway.logged(&format!("upstream shop.upstream: target {gone} ({gone}) is unhealthy"));
    assert!(healths(&gateway).await.contains(&(gone.to_string(), "UNHEALTHY".to_owned())));
}

#[tokio::test]
async fn a_target_that_fails_again_and_again_is_left_out_until_somebody_says_that_it_is_well() {
    let (addr, status) = ailing().await;
    let gateway =
        Gateway::of_file(&balanced(&passive(&json!({ "http_failures": 3 }), 0), &[(addr, 1)]));
    status.store(500, Ordering::Relaxed);
    for _ in 0..2 {
        assert_eq!(gateway.get("/").send().await.status, 500);
    }
    status.store(200, Ordering::Relaxed);
    assert_eq!(gateway.get("/").send().await.status, 200);
    status.store(503, Ordering::Relaxed);
    for _ in 0..3 {
        assert_eq!(gateway.get("/").send().await.text(), "ailing");
    }
    let reply = gateway.get("/").send().await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.text(), r#"{"message":"failure to get a peer from the ring-balancer"}"#);
    let whole = "/upstreams/shop.upstream/health?balancer_health=1";
    let health = gateway.admin(whole).send().await.json()["data"].clone();
    assert_eq!(
        (&health["health"], &health["details"]["healthy"]),
        (&json!("UNHEALTHY"), &json!(false))
    );
    assert_eq!(
        health["details"]["weight"],
        json!({ "total": 1, "available": 0, "unavailable": 1 })
    );
    let target = format!("/upstreams/shop.upstream/targets/{addr}");
    let marked = gateway.admin_call(Method::PUT, &format!("{target}/healthy")).send().await;
    assert_eq!(marked.status, 204);
    assert_eq!(gateway.get("/").send().await.text(), "ailing");
    let marked =
        gateway.admin_call(Method::PUT, &format!("{target}/{addr}/unhealthy")).send().await;
    assert_eq!(marked.status, 204);
    assert_eq!(gateway.get("/").send().await.status, 503);
    assert_eq!(
        gateway.admin("/upstreams/shop.upstream/health").send().await.json()["data"][0]["data"]["addresses"]
            [0]["health"],
        "UNHEALTHY"
    );
    let unknown = format!("{target}/127.0.0.9/healthy");
    let unknown = gateway.admin_call(Method::PUT, &unknown).send().await;
    assert_eq!(unknown.status, 400);
    let missing = "/upstreams/shop.upstream/targets/127.0.0.9:1/healthy";
    assert_eq!(gateway.admin_call(Method::PUT, missing).send().await.status, 404);
}

#[tokio::test]
async fn a_target_that_is_silent_is_left_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    let upstream = passive(&json!({ "timeouts": 1 }), 0);
    let file = balanced(&upstream, &[(silent, 1)]);
    let service = r#""retries":0,"read_timeout":50,"host":"#;
    let gateway = Gateway::of_file(&file.replace(r#""host":"#, service));
    assert_eq!(gateway.get("/").send().await.status, 504);
    assert_eq!(gateway.get("/").send().await.status, 503);
}

#[tokio::test]
async fn what_was_counted_and_found_survives_changes() {
    let gone = unused_addr();
    let gateway = Gateway::empty();
    let upstream = passive(&json!({ "tcp_failures": 2 }), 0);
    let file = balanced(&upstream, &[(gone, 1)]).replace(r#""host":"#, r#""retries":0,"host":"#);
    let file: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(gateway.post("/config", &file).await.status, 201);
    assert_eq!(gateway.get("/").send().await.status, 502);
    // Elsewhere, at the upstream, at another target, at the target itself; and all of it anew.
    gateway.post("/consumers", &json!({ "username": "alice" })).await;
    gateway.send(Method::PATCH, "/upstreams/shop.upstream", &json!({ "slots": 100 })).await;
    let targets = "/upstreams/shop.upstream/targets";
    gateway.post(targets, &json!({ "target": "127.0.0.1:1", "weight": 0 })).await;
    gateway.send(Method::PATCH, &format!("{targets}/{gone}"), &json!({ "weight": 5 })).await;
    assert_eq!(gateway.post("/config", &file).await.status, 201);
    assert_eq!(gateway.get("/").send().await.status, 502);
    assert_eq!(gateway.get("/").send().await.status, 503);
    gateway.post("/consumers", &json!({ "username": "bob" })).await;
    assert_eq!(gateway.post("/config", &file).await.status, 201);
    assert_eq!(gateway.get("/").send().await.status, 503);
}

#[tokio::test]
async fn less_than_the_threshold_is_nothing() {
    let (addr, status) = ailing().await;
    let mut upstream = passive(&json!({ "http_failures": 1 }), 0);
    upstream["healthchecks"]["threshold"] = json!(50);
    let gateway = Gateway::of_file(&balanced(&upstream, &[(addr, 60), (named("b").await, 40)]));
    status.store(500, Ordering::Relaxed);
    while gateway.get("/").send().await.text() == "b" {}
    assert_eq!(gateway.get("/").send().await.status, 503);
}

fn active(fields: &Value) -> Value {
    json!({ "healthchecks": { "active": fields } })
}

// The service answers while the log is waited for.
#[tokio::test(flavor = "multi_thread")]
async fn targets_are_asked_how_they_are_and_left_out_until_they_are_well() {
    let (addr, status) = ailing().await;
    let upstream = active(&json!({
        "http_path": "/how",
        "healthy": { "interval": 0.01, "successes": 2 },
        "unhealthy": { "interval": 0.01, "http_failures": 2 },
    }));
    let gateway = Gateway::of_file(&balanced(&upstream, &[(addr, 1), (named("b").await, 1)]));
    status.store(500, Ordering::Relaxed);
    gateway.logged("is unhealthy");
    for _ in 0..4 {
        assert_eq!(gateway.get("/").send().await.text(), "b");
    }
    status.store(200, Ordering::Relaxed);
    gateway.logged("is healthy");
    let answers = [gateway.get("/").send().await.text(), gateway.get("/").send().await.text()];
    assert!(answers.contains(&"ailing".to_owned()), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_over_tls_believes_nobody_whom_nobody_vouches_for() {
    let made = Authority::new().certificate("localhost");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.der], made.key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(answer).await;
        }
    });
    let mut fields = json!({
        "type": "https",
        "https_sni": "localhost",
        "healthy": { "interval": 0.01, "successes": 1 },
        "unhealthy": { "interval": 0.01, "tcp_failures": 1, "timeouts": 1 },
    });
    let gateway = Gateway::empty();
    let file = |fields: &Value| {
        serde_json::from_str::<Value>(&balanced(&active(fields), &[(addr, 1)])).unwrap()
    };
    assert_eq!(gateway.post("/config", &file(&fields)).await.status, 201);
    gateway.logged("is unhealthy");
    fields["https_verify_certificate"] = json!(false);
    assert_eq!(gateway.post("/config", &file(&fields)).await.status, 201);
    gateway.logged("is healthy");
}

/// A service that tells what it is asked.
async fn telling() -> (std::net::SocketAddr, UnboundedReceiver<(String, HeaderMap)>) {
    let (sender, asked) = unbounded_channel();
    let answer = move |request: axum::extract::Request| {
        let _ = sender.send((request.uri().to_string(), request.headers().clone()));
        async {}
    };
    (serve(Router::new().fallback(any(answer))).await, asked)
}

#[tokio::test]
async fn a_check_asks_for_what_it_is_told_to() {
    let (addr, mut asked) = telling().await;
    let mut upstream = active(&json!({
        "http_path": "/how",
        "headers": { "x-check": ["1", "2"] },
        "healthy": { "interval": 0.01, "successes": 1 },
    }));
    upstream["host_header"] = "shop.example".into();
    let _gateway = Gateway::of_file(&balanced(&upstream, &[(addr, 1)]));
    let (uri, headers) = asked.recv().await.unwrap();
    assert_eq!((uri.as_str(), &headers["host"]), ("/how", &"shop.example".parse().unwrap()));
    let values: Vec<_> = headers.get_all("x-check").iter().collect();
    assert_eq!(values, ["1", "2"]);
}

#[tokio::test]
async fn checks_end_with_the_configuration_that_made_them() {
    let (addr, mut asked) = telling().await;
    let gateway = Gateway::empty();
    let upstream = active(&json!({ "http_path": "/1", "healthy": { "interval": 0.01 } }));
    let file: Value = serde_json::from_str(&balanced(&upstream, &[(addr, 1)])).unwrap();
    assert_eq!(gateway.post("/config", &file).await.status, 201);
    assert_eq!(asked.recv().await.unwrap().0, "/1");
    let change = active(&json!({ "http_path": "/2" }));
    gateway.send(Method::PATCH, "/upstreams/shop.upstream", &change).await;
    while asked.recv().await.unwrap().0 != "/2" {}
    for _ in 0..5 {
        assert_eq!(asked.recv().await.unwrap().0, "/2");
    }
    gateway.admin_call(Method::DELETE, "/upstreams/shop.upstream").send().await;
    // What was on its way may still arrive; then there is nothing more.
    let silence = std::time::Duration::from_millis(300);
    while tokio::time::timeout(silence, asked.recv()).await.is_ok() {}
}

#[tokio::test]
async fn checks_find_who_is_not_there_and_who_is_silent() {
    let gone = unused_addr();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    let fields = json!({
        "timeout": 0.05,
        "healthy": { "interval": 0.01 },
        "unhealthy": { "tcp_failures": 1, "timeouts": 1 },
    });
    let gateway = Gateway::of_file(&balanced(&active(&fields), &[(gone, 1), (silent, 1)]));
    let said = gateway.logged("is unhealthy") + &gateway.logged("is unhealthy");
    assert!(said.contains(&gone.to_string()) && said.contains(&silent.to_string()), "{said}");
    assert_eq!(gateway.get("/").send().await.status, 503);
}

#[tokio::test]
async fn a_connection_is_enough_for_a_check_of_tcp() {
    let first = Reserved::new();
    let (addr, second) = (first.addr(), first.again());
    let listener = first.listen();
    let fields = json!({
        "type": "tcp",
        "healthy": { "interval": 0.01, "successes": 1 },
        "unhealthy": { "interval": 0.01, "tcp_failures": 1, "timeouts": 1 },
    });
    let gateway = Gateway::of_file(&balanced(&active(&fields), &[(addr, 1)]));
    listener.accept().await.unwrap();
    drop(listener);
    gateway.logged("is unhealthy");
    let _listener = second.listen();
    gateway.logged("is healthy");
}
