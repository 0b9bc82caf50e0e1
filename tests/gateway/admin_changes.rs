//! Changes under load: no request is lost, none sees half a change, and none sees the old one after
//! the answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use http::Method;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use serde_json::json;

use crate::support::Gateway;

/// Functions that belong together: both phases must be of the same version.
fn version(number: u64) -> serde_json::Value {
    json!({
        "access": [format!("kong.response.exit(200, '{number}')")],
        "header_filter": [format!("kong.response.set_header('x-version', '{number}')")],
    })
}

/// Asks over one connection until it is told to stop. Tells how often it asked.
async fn ask(proxy: SocketAddr, in_force: Arc<AtomicU64>, stop: Arc<AtomicBool>) -> u64 {
    let stream = tokio::net::TcpStream::connect(proxy).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Empty<bytes::Bytes>>(TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let mut asked = 0;
    while !stop.load(Ordering::SeqCst) {
        let least = in_force.load(Ordering::SeqCst);
        let request = http::Request::get("/").header("host", "a").body(Empty::new()).unwrap();
        sender.ready().await.unwrap();
        let response = sender.send_request(request).await.unwrap();
        let (head, body) = response.into_parts();
        let text = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(text.into()).unwrap();
        assert_eq!(head.status, 200, "{text}");
        assert_eq!(head.headers["x-version"], text.as_str(), "half a change");
        let seen: u64 = text.parse().unwrap();
        assert!(seen >= least, "{seen} was answered after {least} was acknowledged");
        asked += 1;
    }
    asked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_change_while_traffic_flows() {
    let gateway = Gateway::empty();
    gateway.post("/services", &json!({ "name": "shop", "host": "a.example" })).await;
    gateway.post("/services/shop/routes", &json!({ "paths": ["/"] })).await;
    let plugin =
        json!({ "name": "pre-function", "instance_name": "versions", "config": version(0) });
    assert_eq!(gateway.post("/services/shop/plugins", &plugin).await.status, 201);

    let (in_force, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> =
        (0..32).map(|_| tokio::spawn(ask(gateway.proxy, in_force.clone(), stop.clone()))).collect();
    for number in 1..=200 {
        let change = json!({ "config": version(number) });
        let reply = gateway.send(Method::PATCH, "/plugins/versions", &change).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        in_force.store(number, Ordering::SeqCst);
    }
    stop.store(true, Ordering::SeqCst);
    let mut asked = 0;
    for client in clients {
        asked += client.await.unwrap();
    }
    assert!(asked >= 32, "{asked}");
    assert_eq!(gateway.get("/").send().await.text(), "200");
}

#[tokio::test]
async fn a_function_that_takes_the_place_of_another_after_a_pause_answers_its_first_request() {
    let gateway = Gateway::empty();
    gateway.post("/services", &json!({ "name": "shop", "host": "a.example" })).await;
    gateway.post("/services/shop/routes", &json!({ "paths": ["/"] })).await;
    let access = |source: &str| json!({ "config": { "access": [source] } });
    let answer = "kong.response.exit(200, 'here')";
    let plugin = json!({
        "name": "pre-function", "instance_name": "changing", "config": { "access": [answer] }
    });
    assert_eq!(gateway.post("/services/shop/plugins", &plugin).await.status, 201);
    for number in 0..3 {
        let looping = format!("for i = 1, 1000 + {number} do end {answer}");
        for (source, pause) in [(looping, 600), (format!("local x = {number} {answer}"), 0)] {
            let changed = gateway.send(Method::PATCH, "/plugins/changing", &access(&source)).await;
            assert_eq!(changed.status, 200, "{}", changed.text());
            for _ in 0..4 {
                let reply = gateway.get("/").header("host", "a").send().await;
                assert_eq!(reply.status, 200, "{source}: {}", reply.text());
            }
            tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
        }
    }
}
