//! `cors`, `correlation-id` and `request-termination`, and the order of all plugins.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Call, Gateway, echo_upstream, with_plugins};

async fn gateway(name: &str, config: Value) -> Gateway {
    Gateway::of_file(&with_plugins(echo_upstream().await, &[(name, config)]))
}

fn preflight(gateway: &Gateway, origin: &str) -> Call {
    let call = gateway.call(Method::OPTIONS, "/").header("origin", origin);
    call.header("access-control-request-method", "PUT")
}

#[tokio::test]
async fn a_preflight_is_answered_by_the_gateway() {
    let config = json!({
        "origins": ["https://shop.test", "https://stock.test"], "methods": ["GET", "PUT"],
        "headers": ["x-token"], "credentials": true, "max_age": 3600,
    });
    let gateway = gateway("cors", config).await;
    let reply = preflight(&gateway, "https://stock.test").send().await;
    assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, ""));
    assert!(!reply.headers.contains_key("x-service"), "the service was asked");
    for (name, wanted) in [
        ("access-control-allow-origin", "https://stock.test"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "GET,PUT"),
        ("access-control-allow-headers", "x-token"),
        ("access-control-max-age", "3600"),
        ("vary", "origin"),
    ] {
        assert_eq!(reply.header(name), wanted, "{name}");
    }
    let reply = preflight(&gateway, "https://other.test").send().await;
    assert!(!reply.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn other_requests_pass_with_headers_for_the_browser() {
    let config = json!({ "exposed_headers": ["x-one", "x-two"] });
    let gateway = gateway("cors", config).await;
    let reply = gateway.get("/").header("origin", "https://any.test").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-service")), (200, "echo"));
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert_eq!(reply.header("access-control-expose-headers"), "x-one,x-two");
    assert!(!reply.headers.contains_key("vary"));
    // No preflight: the service is asked.
    let reply = gateway.call(Method::OPTIONS, "/").send().await;
    assert_eq!(reply.header("x-service"), "echo");
}

#[tokio::test]
async fn origins_may_be_expressions_or_one_alone() {
    let by_host =
        gateway("cors", json!({ "origins": [r".*\.shop\.test", "https://x.test"] })).await;
    for (origin, allowed) in [
        ("https://a.shop.test", "https://a.shop.test"),
        ("http://b.shop.test:8080", "http://b.shop.test:8080"),
        ("https://x.test", "https://x.test"),
        ("https://shop.test.evil.test", ""),
    ] {
        let reply = by_host.get("/").header("origin", origin).send().await;
        assert_eq!(reply.header("access-control-allow-origin"), allowed, "{origin}");
    }
    let alone = gateway("cors", json!({ "origins": ["https://x.test"] })).await;
    let reply = alone.get("/").header("origin", "https://y.test").send().await;
    assert_eq!(reply.header("access-control-allow-origin"), "https://x.test");
}

#[tokio::test]
async fn a_preflight_goes_to_the_service_where_it_should() {
    let gateway = gateway("cors", json!({ "preflight_continue": true })).await;
    let reply = preflight(&gateway, "https://any.test").send().await;
    assert_eq!(reply.header("x-service"), "echo");
    assert!(!reply.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn anyone_with_credentials_is_named() {
    let gateway = gateway("cors", json!({ "credentials": true })).await;
    let reply = gateway.get("/").header("origin", "https://any.test").send().await;
    assert_eq!(reply.header("access-control-allow-origin"), "https://any.test");
    assert_eq!(reply.header("access-control-allow-credentials"), "true");
}

#[tokio::test]
async fn a_request_gets_an_id_or_keeps_the_one_it_has() {
    let gateway = gateway("correlation-id", json!({ "echo_downstream": true })).await;
    let reply = gateway.get("/").send().await;
    let id = reply.json()["headers"]["kong-request-id"].as_str().unwrap().to_owned();
    assert_eq!(reply.header("kong-request-id"), id);
    assert!(id.len() > 37 && id.ends_with("#1"), "{id}");
    assert!(gateway.get("/").send().await.header("kong-request-id").ends_with("#2"));
    let reply = gateway.get("/").header("kong-request-id", "mine").send().await;
    assert_eq!(reply.json()["headers"]["kong-request-id"], "mine");
    assert_eq!(reply.header("kong-request-id"), "mine");
}

#[tokio::test]
async fn ids_are_made_as_the_configuration_says() {
    let uuid =
        gateway("correlation-id", json!({ "generator": "uuid", "header_name": "X-Id" })).await;
    let reply = uuid.get("/").header("x-id", "").send().await;
    let id = reply.json()["headers"]["x-id"].as_str().unwrap().to_owned();
    assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{id}");
    assert!(id.split('-').nth(2).unwrap().starts_with('4'), "{id}");
    assert!(!reply.headers.contains_key("x-id"));
    let tracker = gateway("correlation-id", json!({ "generator": "tracker" })).await;
    let id = tracker.get("/").send().await.json()["headers"]["kong-request-id"].to_string();
    assert!(id.starts_with("\"127.0.0.1-"), "{id}");
}

#[tokio::test]
async fn a_route_can_answer_without_its_service() {
    let plain = gateway("request-termination", json!({})).await;
    let reply = plain.get("/").send().await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.text(), r#"{"message":"Service unavailable"}"#);
    let config = json!({ "status_code": 403, "message": "So long" });
    let reply = gateway("request-termination", config).await.get("/").send().await;
    assert_eq!((reply.status.as_u16(), reply.text()), (403, r#"{"message":"So long"}"#.to_owned()));
    let config = json!({ "status_code": 200, "content_type": "text/html", "body": "<p>" });
    let reply = gateway("request-termination", config).await.get("/").send().await;
    assert_eq!((reply.header("content-type"), reply.text().as_str()), ("text/html", "<p>"));
}

#[tokio::test]
async fn a_trigger_says_which_requests_are_answered() {
    let gateway = gateway("request-termination", json!({ "trigger": "x-stop" })).await;
    assert_eq!(gateway.get("/").send().await.status, 200);
    assert_eq!(gateway.get("/?a=1&x-stop=1").send().await.status, 503);
    assert_eq!(gateway.get("/").header("x-stop", "1").send().await.status, 503);
}

#[tokio::test]
async fn an_echo_shows_what_was_asked() {
    let gateway = gateway("request-termination", json!({ "echo": true, "status_code": 404 })).await;
    let reply = gateway.call(Method::POST, "/x?y=1").body("body").send().await;
    assert_eq!(reply.status, 404);
    let seen = reply.json();
    assert_eq!(seen["message"], "Not found");
    assert_eq!(seen["request"]["path"], "/x");
    assert_eq!(seen["request"]["raw_body"], "body");
    assert_eq!(seen["matched_route"]["name"], "route");
    assert_eq!(seen["matched_service"]["name"], "service");
}

#[tokio::test]
async fn plugins_run_by_priority_between_the_functions() {
    let pre = json!({
        "access": ["kong.ctx.shared.early = kong.request.get_header('kong-request-id') or 'none'"],
        "header_filter": [
            "kong.response.set_header('x-order', (kong.response.get_header('x-order') or '') .. 'pre ')",
        ],
    });
    let post = json!({
        "access": [
            "kong.response.set_header('x-early', kong.ctx.shared.early)
             kong.response.set_header('x-late', kong.request.get_header('kong-request-id'))",
        ],
        "header_filter": [
            "kong.response.set_header('x-order', (kong.response.get_header('x-order') or '') .. 'post')
             kong.response.set_header('x-status', kong.response.get_status())",
        ],
    });
    let plugins = [
        ("post-function", post),
        ("key-auth", json!({ "keys": ["secret"] })),
        ("correlation-id", json!({ "generator": "uuid" })),
        ("pre-function", pre),
    ];
    let gateway = Gateway::of_file(&with_plugins(echo_upstream().await, &plugins));
    let reply = gateway.get("/").header("apikey", "secret").send().await;
    assert_eq!(reply.header("x-early"), "none");
    assert_eq!(reply.header("x-late").len(), 36);
    assert_eq!(reply.header("x-order"), "pre post");
    // An answer in between: both see its head, as in Kong.
    let reply = gateway.get("/").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-order")), (401, "pre post"));
    assert_eq!(reply.header("x-status"), "401");
}
