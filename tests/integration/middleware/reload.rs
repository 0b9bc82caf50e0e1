//! Function sets that change while requests fly.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::Layer;
use tower_lua::{Functions, Phase, PreFunctionLayer, Runtime};

use crate::support::{echo, serve};

/// A set whose functions say their version in two phases.
fn version(number: usize) -> Functions {
    let access = format!(r#"ngx.sleep(0) kong.ctx.shared.access = "{number}""#);
    let filter = format!(
        r#"kong.response.set_header("x-version", kong.ctx.shared.access .. " " .. "{number}")"#
    );
    Functions::builder("versioned")
        .function(Phase::Access, access)
        .function(Phase::HeaderFilter, filter)
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reload_under_load_fails_no_request_and_none_sees_half_a_set() {
    let runtime = Runtime::builder().vms(2).build().unwrap();
    let (layer, handle) = PreFunctionLayer::reloadable(version(0));
    let addr = serve(layer.runtime(&runtime).layer(echo())).await;

    let done = Arc::new(AtomicBool::new(false));
    let clients = (0..8).map(|_| {
        let done = Arc::clone(&done);
        tokio::spawn(async move {
            let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
            let mut seen = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let request = Request::get(format!("http://{addr}/")).body(Empty::new()).unwrap();
                let response = client.request(request).await.unwrap();
                assert_eq!(response.status(), 200);
                let version = response.headers()["x-version"].to_str().unwrap().to_owned();
                response.into_body().collect().await.unwrap();
                let (access, filter) = version.split_once(' ').unwrap();
                assert_eq!(access, filter);
                seen.push(access.parse::<usize>().unwrap());
            }
            assert!(seen.is_sorted(), "an older set came back");
            seen.len()
        })
    });
    let clients: Vec<_> = clients.collect();
    for number in 1..=200 {
        handle.reload(version(number));
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    done.store(true, Ordering::Relaxed);
    let mut total = 0;
    for client in clients {
        total += client.await.unwrap();
    }
    assert!(total > 200, "only {total} requests were made");
}

#[tokio::test]
async fn a_reload_is_in_force_for_the_next_request() {
    let (layer, handle) = PreFunctionLayer::reloadable(Functions::empty());
    let addr = serve(layer.layer(echo())).await;
    let version_of = async || {
        let call = crate::support::Call::new(addr, http::Method::GET, "/");
        call.send().await.header("x-version").to_owned()
    };
    assert_eq!(version_of().await, "");
    for number in 1..20 {
        handle.reload(version(number));
        assert_eq!(version_of().await, format!("{number} {number}"));
    }
}

#[tokio::test]
async fn sets_that_were_replaced_are_forgotten() {
    let runtime = Runtime::builder().vms(1).build().unwrap();
    let (layer, handle) = PreFunctionLayer::reloadable(Functions::empty());
    let addr = serve(layer.runtime(&runtime).layer(echo())).await;
    let mut used = Vec::new();
    for round in 0..3 {
        for number in 0..200 {
            // 10 KiB of constants in each.
            let ballast = format!("local s = '{round}{number:05}{}'", "x".repeat(10_000));
            handle.reload(Functions::access("ballast", ballast).unwrap());
            let call = crate::support::Call::new(addr, http::Method::GET, "/");
            assert_eq!(call.send().await.status, 200);
        }
        used.push(runtime.stats().used_memory);
    }
    assert!(used[2] < used[0] + 2_000_000, "memory grows with each reload: {used:?}");
}
