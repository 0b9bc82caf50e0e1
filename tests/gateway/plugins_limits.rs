//! `rate-limiting` and `request-size-limiting`.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Gateway, echo_upstream, with_plugins};

async fn gateway(name: &str, config: Value) -> Gateway {
    Gateway::of_file(&with_plugins(echo_upstream().await, &[(name, config)]))
}

#[tokio::test]
async fn a_limit_counts_down_and_then_refuses() {
    let gateway = gateway("rate-limiting", json!({ "hour": 3, "year": 100 })).await;
    for remaining in ["2", "1", "0"] {
        let reply = gateway.get("/").send().await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("x-ratelimit-limit-hour"), "3");
        assert_eq!(reply.header("x-ratelimit-remaining-hour"), remaining);
        assert_eq!(
            (reply.header("ratelimit-limit"), reply.header("ratelimit-remaining")),
            ("3", remaining)
        );
        assert!(reply.header("ratelimit-reset").parse::<u64>().unwrap() <= 3600);
        assert!(!reply.headers.contains_key("retry-after"));
    }
    let reply = gateway.get("/").send().await;
    assert_eq!(reply.status, 429);
    assert_eq!(reply.text(), r#"{"message":"API rate limit exceeded"}"#);
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=1200).contains(&wait), "{wait}");
    assert_eq!(reply.header("x-ratelimit-remaining-hour"), "0");
}

#[tokio::test]
async fn a_limit_fills_again() {
    let gateway = gateway("rate-limiting", json!({ "second": 1 })).await;
    assert_eq!(gateway.get("/").send().await.status, 200);
    let refused = gateway.get("/").send().await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "1"));
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(gateway.get("/").send().await.status, 200);
}

#[tokio::test]
async fn each_caller_has_a_limit_of_its_own() {
    let config = json!({ "hour": 1, "limit_by": "header", "header_name": "x-tenant" });
    let gateway = gateway("rate-limiting", config).await;
    for tenant in ["one", "two"] {
        assert_eq!(gateway.get("/").header("x-tenant", tenant).send().await.status, 200);
        assert_eq!(gateway.get("/").header("x-tenant", tenant).send().await.status, 429);
    }
    // Who has no such header is known by the address.
    assert_eq!(gateway.get("/").send().await.status, 200);
    assert_eq!(gateway.get("/").send().await.status, 429);
}

#[tokio::test]
async fn a_limit_is_for_a_path_or_the_whole_service() {
    let by_path = json!({ "hour": 1, "limit_by": "path", "path": "/only" });
    let by_path = gateway("rate-limiting", by_path).await;
    assert_eq!(by_path.get("/only").send().await.status, 200);
    assert_eq!(by_path.get("/only").send().await.status, 429);
    assert_eq!(by_path.get("/").send().await.status, 200);
    let by_service = gateway("rate-limiting", json!({ "hour": 1, "limit_by": "service" })).await;
    assert_eq!(by_service.get("/a").send().await.status, 200);
    assert_eq!(by_service.get("/b").send().await.status, 429);
}

#[tokio::test]
async fn a_limit_may_say_something_else_or_nothing() {
    let config = json!({
        "hour": 1, "hide_client_headers": true, "error_code": 420, "error_message": "Enough",
    });
    let gateway = gateway("rate-limiting", config).await;
    let first = gateway.get("/").send().await;
    assert!(!first.headers.contains_key("ratelimit-limit"));
    let second = gateway.get("/").send().await;
    assert_eq!(
        (second.status.as_u16(), second.text()),
        (420, r#"{"message":"Enough"}"#.to_owned())
    );
    assert!(!second.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn callers_with_keys_are_known_by_their_consumer() {
    let keys =
        json!([{ "key": "k1", "consumer": "alice" }, { "key": "k2", "consumer": "alice" }, "k3"]);
    let gateway = Gateway::of_file(&with_plugins(
        echo_upstream().await,
        &[("key-auth", json!({ "keys": keys })), ("rate-limiting", json!({ "hour": 1 }))],
    ));
    let call = |key: &'static str| gateway.get("/").header("apikey", key).send();
    assert_eq!(call("k1").await.status, 200);
    assert_eq!(call("k2").await.status, 429);
    assert_eq!(call("k3").await.status, 200);
    // Without a key there is a 401 and no count: key-auth comes first.
    assert_eq!(gateway.get("/").send().await.status, 401);
}

#[tokio::test]
async fn a_limit_goes_on_counting_through_a_change_of_something_else() {
    let upstream = echo_upstream().await;
    let limit = ("rate-limiting", json!({ "hour": 2 }));
    let file = |id: &str| {
        let answer =
            json!({ "access": [format!("kong.response.set_header('x-version', '{id}')")] });
        with_plugins(upstream, &[limit.clone(), ("post-function", answer)])
    };
    let gateway = Gateway::of_file(&file("one"));
    assert_eq!(gateway.get("/").send().await.status, 200);
    assert!(gateway.reload(&file("two")));
    let second = gateway.get("/").send().await;
    assert_eq!((second.status.as_u16(), second.header("x-version")), (200, "two"));
    assert_eq!(gateway.get("/").send().await.status, 429);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let config = json!({ "allowed_payload_size": 10, "size_unit": "bytes" });
    let gateway = gateway("request-size-limiting", config).await;
    let send = |body: &'static str| gateway.call(Method::POST, "/").body(body);
    assert_eq!(send("ten bytes!").send().await.json()["body"], "ten bytes!");
    let reply = send("eleven byte").send().await;
    assert_eq!(reply.status, 413);
    assert_eq!(reply.text(), r#"{"message":"Request size limit exceeded"}"#);
    let reply = send("eleven byte").header("expect", "100-continue").send().await;
    assert_eq!(reply.status, 417);
}

#[tokio::test]
async fn a_length_is_asked_for_where_it_must_be_known() {
    let config = json!({ "allowed_payload_size": 1, "require_content_length": true });
    let gateway = gateway("request-size-limiting", config).await;
    let reply = gateway.get("/").send().await;
    assert_eq!(reply.status, 411);
    assert_eq!(reply.json()["message"], "A valid Content-Length header is required");
    assert_eq!(gateway.call(Method::POST, "/").body("x").send().await.status, 200);
}
