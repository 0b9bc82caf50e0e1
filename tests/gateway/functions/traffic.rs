//! Which service a request goes to, how often, and how soon.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::any;

use super::{before, before_echo, directory, plugin, start};
use crate::support::{echo_upstream, serve};

#[tokio::test]
async fn a_cookie_leads_to_the_next_version() {
    let next = serve(Router::new().fallback(any(|| async { "next version" }))).await;
    let (host, port) = (next.ip().to_string(), next.port().to_string());
    let canary = plugin("canary", &[("CANARY_HOST", &host), ("CANARY_PORT", &port)]);
    let gateway = start(&canary, echo_upstream().await, "/").serving();
    let reply = gateway.get("/").header("cookie", "a=b; canary=always").send().await;
    assert_eq!(reply.text(), "next version");
    assert_eq!(gateway.get("/").send().await.json()["method"], "GET");
}

#[tokio::test]
async fn a_user_is_always_in_the_same_half() {
    let gateway = before_echo("ab-test").await;
    let mut groups = std::collections::BTreeMap::<String, usize>::new();
    for user in 0..40 {
        let user = format!("user-{user}");
        let first = gateway.get("/x").header("x-user", &user).send().await;
        let again = gateway.get("/x").header("x-user", &user).send().await;
        let group = first.header("x-group").to_owned();
        assert_eq!(group, again.header("x-group"));
        assert_eq!(first.json()["uri"], format!("/{group}/x"));
        *groups.entry(group).or_default() += 1;
    }
    assert!(groups["a"] > 5 && groups["b"] > 5, "{groups:?}");
}

#[tokio::test]
async fn the_fourth_request_of_a_minute_is_one_too_many() {
    let limited = start(&plugin("rate-limit", &[]), echo_upstream().await, "/");
    let gateway = limited.arg("--shared-dict").arg("limits=1m").serving();
    let call = async |user: &str| {
        let reply = gateway.get("/").header("x-user", user).send().await;
        (reply.status.as_u16(), reply.header("x-ratelimit-remaining").to_owned())
    };
    for remaining in ["2", "1", "0"] {
        assert_eq!(call("ada").await, (200, remaining.to_owned()));
    }
    assert_eq!(call("ada").await.0, 429);
    assert_eq!(call("grace").await.0, 200);
}

#[tokio::test]
async fn what_many_ask_for_is_looked_up_once() {
    let gateway = before_echo("cache-aside").await;
    let calls = (0..8).map(|_| tokio::spawn(gateway.get("/?plan=gold").send()));
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().json()["headers"]["x-quota"], "400");
    }
    assert_eq!(gateway.get("/?plan=basic").send().await.json()["headers"]["x-quota"], "500");
    gateway.logged("looked up gold");
    // Had it been looked up again, that would stand before.
    assert!(gateway.logged("looked up").contains("looked up basic"));
}

#[tokio::test]
async fn flags_come_from_a_file_that_a_module_reads() {
    let start = start(&plugin("feature-flags", &[]), echo_upstream().await, "/");
    let flags = start.file("flags.json", r#"{"dark-mode": ["ada"]}"#);
    let gateway = start
        .env("FLAGS_FILE", flags.to_str().unwrap())
        .arg("--lua-module-path")
        .arg(directory())
        .serving();
    let seen = gateway.get("/").header("x-user", "ada").send().await.json();
    assert_eq!(seen["headers"]["x-dark-mode"], "on");
    let seen = gateway.get("/").header("x-user", "grace").send().await.json();
    assert!(seen["headers"].get("x-dark-mode").is_none());
}

#[tokio::test]
async fn bytes_are_counted_for_each_consumer() {
    let app = Router::new().fallback(any(|body: String| async move { format!("{body}{body}") }));
    let counting = start(&plugin("size-accounting", &[]), serve(app).await, "/");
    let gateway = counting.arg("--shared-dict").arg("usage=1m").serving();
    for (consumer, body) in [("ada", "12345"), ("ada", "123"), ("grace", "1")] {
        let call = gateway.call(http::Method::POST, "/").header("x-consumer", consumer);
        call.body(body).send().await;
    }
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let usage = gateway.get("/usage").send().await.json();
        // The log phase comes after the client has its answer.
        if usage["ada:sent"] == 16 && usage["grace:sent"] == 2 {
            assert_eq!((&usage["ada:received"], &usage["grace:received"]), (&8.into(), &1.into()));
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{usage}");
    }
}

#[tokio::test]
async fn reports_may_take_longer_than_the_rest() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let app = Router::new().fallback(any(move || async move {
        counted.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        "slow"
    }));
    let gateway = before("upstream-tuning", serve(app).await);
    assert_eq!(gateway.get("/reports/2026").send().await.text(), "slow");
    let reply = gateway.get("/other").send().await;
    assert_eq!(reply.status, 504);
    assert_eq!(attempts.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_blocklist_is_refreshed_by_a_timer() {
    let addresses = Arc::new(std::sync::Mutex::new("192.0.2.7\n192.0.2.8".to_owned()));
    let list = Arc::clone(&addresses);
    let lists = serve(Router::new().route(
        "/addresses",
        any(move || {
            let list = list.lock().unwrap().clone();
            async move { list }
        }),
    ))
    .await;
    let blocklist = plugin(
        "blocklist",
        &[("blocklist.internal", &lists.to_string()), ("every(60", "every(0.01")],
    );
    let gateway = start(&blocklist, echo_upstream().await, "/").serving();
    assert_eq!(gateway.get("/").send().await.status, 200);
    for (fresh, status) in [("127.0.0.1", 403), ("", 200)] {
        addresses.lock().unwrap().replace_range(.., fresh);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        // It is a list of each VM, which is told by a timer of its own.
        let mut agreed = 0;
        while agreed < 20 {
            let reply = gateway.get("/").send().await.status.as_u16();
            agreed = if reply == status { agreed + 1 } else { 0 };
            assert!(std::time::Instant::now() < deadline, "{reply} instead of {status}");
        }
    }
}
