//! Changes while requests fly.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;

use crate::support::{Gateway, echo_upstream, with_plugins};

/// How many connections ask, and how often the function changes meanwhile.
const CONNECTIONS: usize = 32;
const CHANGES: u64 = 200;

/// A function that tells its version in every phase: one that the service sees, one that the client
/// sees, and one that a plugin of its own sees.
fn file(upstream: std::net::SocketAddr, version: u64) -> String {
    let pre = json!({
        "access": [format!("kong.service.request.set_header('x-version', '{version}')")],
        "header_filter": [format!("kong.response.set_header('x-pre', '{version}')")],
    });
    let post = json!({
        "access": [format!("kong.response.set_header('x-access', '{version}')")],
        "header_filter": [format!("kong.response.set_header('x-post', '{version}')")],
    });
    with_plugins(upstream, &[("pre-function", pre), ("post-function", post)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_changes_lose_no_request_and_none_is_seen_in_part() {
    let upstream = echo_upstream().await;
    let gateway = Gateway::of_file(&file(upstream, 0));
    // The version that is in force for sure: the change has been acknowledged.
    let in_force = Arc::new(AtomicU64::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (in_force, done) = (Arc::clone(&in_force), Arc::clone(&done));
            tokio::spawn(ask(gateway.proxy, in_force, done))
        })
        .collect();
    for version in 1..=CHANGES {
        assert!(gateway.reload(&file(upstream, version)));
        in_force.store(version, Ordering::SeqCst);
    }
    done.store(true, Ordering::SeqCst);
    let mut total = 0;
    for client in clients {
        total += client.await.unwrap();
    }
    assert!(total > CHANGES, "{total} requests were too few to prove anything");
}

/// Asks until it is `done`, and tells how often it did.
async fn ask(addr: std::net::SocketAddr, in_force: Arc<AtomicU64>, done: Arc<AtomicBool>) -> u64 {
    let stream = TokioIo::new(TcpStream::connect(addr).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut count = 0;
    while !done.load(Ordering::SeqCst) {
        let at_least = in_force.load(Ordering::SeqCst);
        let request = Request::get("/").header("host", "a").body(Empty::<Bytes>::new()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let (head, body) = response.into_parts();
        let seen: serde_json::Value =
            serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap();
        let version = seen["headers"]["x-version"].as_str().unwrap().to_owned();
        for name in ["x-pre", "x-access", "x-post"] {
            assert_eq!(head.headers[name], version, "{name}");
        }
        assert!(version.parse::<u64>().unwrap() >= at_least, "{version} after {at_least}");
        count += 1;
    }
    count
}
