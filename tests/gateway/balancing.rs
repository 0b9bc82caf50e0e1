//! Services whose host is the name of an upstream: which target a request goes to.

use std::collections::BTreeMap;

use axum::Router;
use axum::routing::any;
use http::Method;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::support::{Gateway, balanced, echo_upstream, named, serve, unused_addr};

/// How often each target has answered `count` requests.
async fn shares(gateway: &Gateway, count: usize) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..count {
        *shares.entry(gateway.get("/").send().await.text()).or_default() += 1;
    }
    shares
}

fn expected(shares: &[(&str, usize)]) -> BTreeMap<String, usize> {
    shares.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// Who answers a request with this header.
async fn answering(gateway: &Gateway, name: &str, value: &str) -> String {
    gateway.get("/").header(name, value).send().await.text()
}

#[tokio::test]
async fn each_target_has_its_share_by_its_weight() {
    let targets = [(named("a").await, 100), (named("b").await, 200), (named("c").await, 0)];
    let gateway = Gateway::of_file(&balanced(&json!({}), &targets));
    assert_eq!(shares(&gateway, 30).await, expected(&[("a", 10), ("b", 20)]));
}

#[tokio::test]
async fn a_target_that_comes_or_goes_is_in_force_at_once() {
    let gateway = Gateway::empty();
    let [a, b] = [named("a").await, named("b").await];
    gateway.post("/services", &json!({ "name": "shop", "host": "shop.upstream" })).await;
    gateway.post("/services/shop/routes", &json!({ "paths": ["/"] })).await;
    let reply = gateway.get("/").send().await;
    assert_eq!(reply.json()["message"], "name resolution failed");
    gateway.post("/upstreams", &json!({ "name": "shop.upstream" })).await;
    let reply = gateway.get("/").send().await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.json()["message"], "failure to get a peer from the ring-balancer");
    let targets = "/upstreams/shop.upstream/targets";
    gateway.post(targets, &json!({ "target": a })).await;
    assert_eq!(shares(&gateway, 4).await, expected(&[("a", 4)]));
    gateway.post(targets, &json!({ "target": b })).await;
    assert_eq!(shares(&gateway, 4).await, expected(&[("a", 2), ("b", 2)]));
    let weight = json!({ "weight": 0 });
    gateway.send(Method::PATCH, &format!("{targets}/{a}"), &weight).await;
    assert_eq!(shares(&gateway, 4).await, expected(&[("b", 4)]));
    gateway.admin_call(Method::DELETE, &format!("{targets}/{b}")).send().await;
    assert_eq!(gateway.get("/").send().await.status, 503);
    gateway.send(Method::PATCH, "/upstreams/shop.upstream", &json!({ "name": "other" })).await;
    assert_eq!(gateway.get("/").send().await.json()["message"], "name resolution failed");
}

#[tokio::test]
async fn a_change_elsewhere_leaves_whose_turn_it_is() {
    let targets = [(named("a").await, 1), (named("b").await, 1)];
    let gateway = Gateway::empty();
    let file: Value = serde_json::from_str(&balanced(&json!({}), &targets)).unwrap();
    assert_eq!(gateway.post("/config", &file).await.status, 201);
    let mut answers = Vec::new();
    for number in 0..4 {
        answers.push(gateway.get("/").send().await.text());
        gateway.post("/consumers", &json!({ "username": format!("c{number}") })).await;
        gateway.post("/upstreams", &json!({ "name": format!("u{number}") })).await;
    }
    assert!(answers == ["a", "b", "a", "b"] || answers == ["b", "a", "b", "a"], "{answers:?}");
}

#[tokio::test]
async fn a_request_that_cannot_be_connected_goes_to_another_target() {
    let targets = [(unused_addr(), 100), (named("b").await, 1), (unused_addr(), 100)];
    let gateway = Gateway::of_file(&balanced(&json!({}), &targets));
    for _ in 0..5 {
        let reply = gateway.call(Method::POST, "/").body("an order").send().await;
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, "b"));
    }
}

#[tokio::test]
async fn a_request_is_tried_as_often_as_its_service_says() {
    let targets = [(unused_addr(), 1000), (named("b").await, 1)];
    let file = balanced(&json!({}), &targets).replace(r#""host":"#, r#""retries":0,"host":"#);
    let gateway = Gateway::of_file(&file);
    assert_eq!(gateway.get("/").send().await.status, 502);
}

#[tokio::test]
async fn a_question_that_breaks_goes_to_another_target_and_an_order_does_not() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let broken = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
        }
    });
    let targets = [(broken, 1000), (named("b").await, 1)];
    let gateway = Gateway::of_file(&balanced(&json!({}), &targets));
    assert_eq!(gateway.get("/").send().await.text(), "b");
    let order = gateway.call(Method::POST, "/").body("an order").send().await;
    assert_eq!(order.status, 502);
}

#[tokio::test]
async fn who_has_the_fewest_requests_gets_the_next() {
    let (asked, mut was_asked) = tokio::sync::mpsc::unbounded_channel();
    let waiting = move || {
        let asked = asked.clone();
        async move {
            asked.send(()).unwrap();
            std::future::pending::<&str>().await
        }
    };
    let slow = serve(Router::new().route("/slow", any(waiting)).fallback(any(|| async { "a" })));
    let targets = [(slow.await, 1), (named("b").await, 1)];
    let file = balanced(&json!({ "algorithm": "least-connections" }), &targets);
    let gateway = Gateway::of_file(&file);
    // One of two at once is slow: a path that the other answers as any.
    let mut held = tokio::task::JoinSet::new();
    (0..2).for_each(|_| drop(held.spawn(gateway.get("/slow").try_send())));
    was_asked.recv().await.unwrap();
    assert_eq!(held.join_next().await.unwrap().unwrap().unwrap().text(), "b");
    assert_eq!(shares(&gateway, 6).await, expected(&[("b", 6)]));
}

#[tokio::test]
async fn who_answers_fast_gets_most_requests() {
    let slow = || async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        "slow"
    };
    let slow = serve(Router::new().fallback(any(slow))).await;
    let targets = [(slow, 1), (named("fast").await, 1)];
    let file = balanced(&json!({ "algorithm": "latency" }), &targets);
    let shares = shares(&Gateway::of_file(&file), 20).await;
    assert!(shares["fast"] >= 15, "{shares:?}");
}

#[tokio::test]
async fn requests_that_are_alike_go_to_the_same_target_and_stay_there() {
    let gateway = Gateway::empty();
    let targets = [(named("a").await, 100), (named("b").await, 100), (named("c").await, 100)];
    let hashes = json!({ "hash_on": "header", "hash_on_header": "x-user" });
    let file: Value = serde_json::from_str(&balanced(&hashes, &targets)).unwrap();
    assert_eq!(gateway.post("/config", &file).await.status, 201);
    let users: Vec<_> = (0..60).map(|number| format!("user-{number}")).collect();
    let mut before = Vec::new();
    for user in &users {
        let first = answering(&gateway, "x-user", user).await;
        assert_eq!(answering(&gateway, "x-user", user).await, first);
        before.push(first);
    }
    for name in ["a", "b", "c"] {
        let share = before.iter().filter(|answer| *answer == name).count();
        assert!(share >= 4, "{name} has {share} of 60");
    }
    let target = json!({ "target": named("d").await });
    gateway.post("/upstreams/shop.upstream/targets", &target).await;
    for (user, before) in users.iter().zip(&before) {
        let now = answering(&gateway, "x-user", user).await;
        assert!(now == *before || now == "d", "{user}: {before} before, {now} now");
    }
    let gone = format!("/upstreams/shop.upstream/targets/{}", targets[0].0);
    gateway.admin_call(Method::DELETE, &gone).send().await;
    for (user, before) in users.iter().zip(&before).filter(|(_, before)| *before != "a") {
        let now = answering(&gateway, "x-user", user).await;
        assert!(now == *before || now == "d", "{user}: {before} before, {now} now");
    }
}

/// A gateway whose three targets are chosen by what `hashes` say; its route captures `user`.
async fn hashing(hashes: Value) -> Gateway {
    let targets = [(named("a").await, 1), (named("b").await, 1), (named("c").await, 1)];
    let file = balanced(&hashes, &targets)
        .replace(r#""paths":["/"]"#, r#""paths":["~/users/(?<user>[^/]+)","/"]"#);
    Gateway::of_file(&file)
}

#[tokio::test]
async fn paths_arguments_and_captures_are_hashed() {
    for (hashes, alike) in [
        (json!({ "hash_on": "path" }), ["/{}?x=1", "/{}?x=2"]),
        (json!({ "hash_on": "query_arg", "hash_on_query_arg": "u" }), ["/a?u={}", "/b?v=2&u={}"]),
        (
            json!({ "hash_on": "uri_capture", "hash_on_uri_capture": "user" }),
            ["/users/{}", "/users/{}/orders"],
        ),
        (
            json!({ "hash_on": "header", "hash_on_header": "x-no", "hash_fallback": "path" }),
            ["/{}?x=1", "/{}?x=2"],
        ),
    ] {
        let gateway = hashing(hashes.clone()).await;
        let mut seen = BTreeMap::new();
        for number in 0..20 {
            let paths = alike.map(|path| path.replace("{}", &number.to_string()));
            let first = gateway.get(&paths[0]).send().await.text();
            for path in &paths {
                assert_eq!(gateway.get(path).send().await.text(), first, "{hashes} {path}");
            }
            seen.insert(first, number);
        }
        assert!(seen.len() > 1, "{hashes}");
    }
}

#[tokio::test]
async fn all_requests_of_a_client_or_a_consumer_go_to_one_target() {
    let gateway = hashing(json!({ "hash_on": "ip" })).await;
    assert_eq!(shares(&gateway, 10).await.len(), 1);
    let targets = [(named("a").await, 1), (named("b").await, 1), (named("c").await, 1)];
    let file = balanced(&json!({ "hash_on": "consumer" }), &targets);
    let mut file: Value = serde_json::from_str(&file).unwrap();
    file["plugins"] = json!([{ "name": "key-auth" }]);
    let consumer = |name| json!({ "username": name, "keyauth_credentials": [{ "key": name }] });
    let names: Vec<_> = (0..20).map(|number| format!("user-{number}")).collect();
    file["consumers"] = names.iter().map(consumer).collect();
    let gateway = Gateway::of_file(&file.to_string());
    let mut seen = BTreeMap::new();
    for name in &names {
        let first = answering(&gateway, "apikey", name).await;
        assert_eq!(answering(&gateway, "apikey", name).await, first);
        seen.insert(first, name);
    }
    assert!(seen.len() > 1);
}

#[tokio::test]
async fn a_client_without_the_cookie_gets_one_that_leads_to_the_same_target() {
    let hashes =
        json!({ "hash_on": "cookie", "hash_on_cookie": "seat", "hash_on_cookie_path": "/shop" });
    let gateway = hashing(hashes).await;
    for _ in 0..10 {
        let first = gateway.get("/").send().await;
        let cookie = first.header("set-cookie");
        let (pair, rest) = cookie.split_once("; ").unwrap();
        assert_eq!(rest, "Path=/shop; SameSite=Lax; HttpOnly");
        assert!(pair.starts_with("seat=") && pair.len() == "seat=".len() + 36, "{cookie}");
        for _ in 0..3 {
            let again = gateway.get("/").header("cookie", format!("x=1; {pair}")).send().await;
            assert_eq!(again.text(), first.text());
            assert_eq!(again.header("set-cookie"), "");
        }
    }
}

#[tokio::test]
async fn services_are_asked_for_by_their_targets_or_by_one_name() {
    let target = named("a").await;
    let port = target.port();
    let gateway = Gateway::of_file(&balanced(&json!({}), &[(target, 1)]));
    assert_eq!(gateway.get("/").send().await.header("x-host"), target.to_string());
    let file = balanced(&json!({ "host_header": "shop.example" }), &[(target, 1)]);
    let gateway = Gateway::of_file(&file);
    assert_eq!(gateway.get("/").send().await.header("x-host"), format!("shop.example:{port}"));
    let file = file.replace("shop.example", "shop.example:1");
    let gateway = Gateway::of_file(&file);
    assert_eq!(gateway.get("/").send().await.header("x-host"), "shop.example:1");
    let kept = file.replace(r#""name":"all""#, r#""name":"all","preserve_host":true"#);
    let reply = Gateway::of_file(&kept).get("/").header("host", "kept.example").send().await;
    assert_eq!(reply.header("x-host"), "kept.example");
    let named = file.replace(&target.to_string(), &format!("localhost:{port}"));
    let gateway = Gateway::of_file(&named.replace("shop.example:1", "localhost"));
    assert_eq!(gateway.get("/").send().await.text(), "a");
}

#[tokio::test]
async fn apis_of_old_versions_have_upstreams_too() {
    let targets = [(named("a").await, 1), (named("b").await, 1)];
    let gateway = Gateway::empty();
    let file: Value = serde_json::from_str(&balanced(&json!({}), &targets)).unwrap();
    assert_eq!(gateway.post("/config", &file).await.status, 201);
    let api = json!({ "name": "api", "upstream_url": "http://shop.upstream/base", "uris": "/old" });
    assert_eq!(gateway.post("/apis", &api).await.status, 201);
    let mut seen =
        [gateway.get("/old").send().await.text(), gateway.get("/old").send().await.text()];
    seen.sort();
    assert_eq!(seen, ["a", "b"]);
}

#[tokio::test]
async fn what_a_request_says_reaches_the_target_whole() {
    let echo = echo_upstream().await;
    let targets = [(unused_addr(), 1000), (echo, 1)];
    let gateway = Gateway::of_file(&balanced(&json!({}), &targets));
    let call = gateway.call(Method::PUT, "/x/y?z=1").header("x-a", "b").body("whole");
    let seen = call.send().await.json();
    assert_eq!((&seen["uri"], &seen["body"]), (&json!("/x/y?z=1"), &json!("whole")));
    assert_eq!((&seen["headers"]["x-a"], &seen["headers"]["host"]), (&json!("b"), &json!(echo)));
}
