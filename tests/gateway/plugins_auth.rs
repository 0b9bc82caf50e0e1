//! `key-auth` with keys of its configuration: who may call, and what the service is told of it.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Gateway, echo_upstream, with_plugins};

async fn gateway(config: Value) -> Gateway {
    let upstream = echo_upstream().await;
    let post = json!({ "access": [
        r#"local consumer = kong.client.get_consumer()
           kong.service.request.set_header("x-seen", consumer and consumer.username or "nobody")"#
    ] });
    Gateway::of_file(&with_plugins(upstream, &[("key-auth", config), ("post-function", post)]))
}

#[tokio::test]
async fn who_has_no_key_is_told_so() {
    let gateway = gateway(json!({ "keys": ["secret"] })).await;
    let reply = gateway.get("/").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("www-authenticate")), (401, "Key"));
    assert_eq!(reply.json()["message"], "No API key found in request");
    assert!(reply.json()["request_id"].is_string());
    let reply = gateway.get("/").header("apikey", "guess").send().await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.json()["message"], "Unauthorized");
    let reply = gateway.get("/?apikey=secret&apikey=secret").send().await;
    assert_eq!(reply.json()["message"], "Duplicate API key found");
    assert_eq!(gateway.get("/?apikey=").send().await.status, 401);
}

#[tokio::test]
async fn a_key_in_header_or_query_lets_in_with_its_consumer() {
    let keys = json!([{ "key": "a secret", "consumer": "alice" }, "plain"]);
    let gateway = gateway(json!({ "keys": keys })).await;
    for call in [
        gateway.get("/").header("apikey", "a secret").header("x-consumer-id", "forged"),
        gateway.get("/?x=1&apikey=a%20secret"),
    ] {
        let seen = call.header("x-anonymous-consumer", "true").send().await.json();
        let headers = &seen["headers"];
        assert_eq!(headers["x-consumer-username"], "alice");
        assert_eq!(headers["x-seen"], "alice");
        assert!(
            headers.get("x-consumer-id").is_none() && headers.get("x-anonymous-consumer").is_none()
        );
    }
    let seen = gateway.get("/").header("apikey", "plain").header("x-consumer-username", "root");
    let seen = seen.send().await.json();
    assert!(seen["headers"].get("x-consumer-username").is_none());
    assert_eq!(seen["headers"]["apikey"], "plain");
}

#[tokio::test]
async fn a_key_is_hidden_from_the_service_where_it_should_be() {
    let gateway = gateway(json!({ "keys": ["secret"], "hide_credentials": true })).await;
    let seen = gateway.get("/p?a=1&apikey=secret&b=2").send().await.json();
    assert_eq!(seen["uri"], "/p?a=1&b=2");
    let seen = gateway.get("/p?apikey=secret").send().await.json();
    assert_eq!(seen["uri"], "/p");
    let seen = gateway.get("/p").header("apikey", "secret").send().await.json();
    assert!(seen["headers"].get("apikey").is_none());
}

#[tokio::test]
async fn a_key_is_looked_for_where_the_configuration_says() {
    let config = json!({
        "keys": ["secret"], "key_names": ["x-key", "token"],
        "key_in_header": false, "key_in_query": false, "key_in_body": true, "realm": "shop",
    });
    let gateway = gateway(config).await;
    let reply = gateway.get("/?token=secret").header("token", "secret").send().await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("www-authenticate")),
        (401, "Key realm=\"shop\"")
    );
    for (kind, body) in [
        ("application/x-www-form-urlencoded", "a=1&token=secret"),
        ("application/json", r#"{"token": "secret"}"#),
    ] {
        let call = gateway.call(Method::POST, "/").header("content-type", kind).body(body);
        let reply = call.send().await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.json()["body"], body);
    }
    let call = gateway.call(Method::POST, "/").header("content-type", "text/plain");
    assert_eq!(call.body("token=secret").send().await.status, 401);
}

#[tokio::test]
async fn the_anonymous_pass_and_are_called_so() {
    let gateway = gateway(json!({ "keys": ["secret"], "anonymous": "guest" })).await;
    let headers = gateway.get("/").header("apikey", "wrong").send().await.json();
    assert_eq!(headers["headers"]["x-anonymous-consumer"], "true");
    assert_eq!(headers["headers"]["x-consumer-username"], "guest");
}

#[tokio::test]
async fn preflights_pass_where_they_may() {
    let closed = gateway(json!({ "keys": ["secret"] })).await;
    assert_eq!(closed.call(Method::OPTIONS, "/").send().await.status, 401);
    let open = gateway(json!({ "keys": ["secret"], "run_on_preflight": false })).await;
    assert_eq!(open.call(Method::OPTIONS, "/").send().await.status, 200);
}
