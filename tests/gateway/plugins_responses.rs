//! `response-transformer`.

use axum::Router;
use axum::routing::get;
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::support::{Gateway, echo_upstream, serve, with_plugins};

/// A service with an object, a list, and what is called JSON and is none.
async fn service() -> std::net::SocketAddr {
    let json = |text: &'static str| {
        get(move || async move { ([(CONTENT_TYPE, "application/json; charset=utf-8")], text) })
    };
    let object =
        r#"{"gone":1,"old":2,"there":3,"off":false,"text":"a","list":["a"],"kept":{"x":1}}"#;
    let app = Router::new()
        .route("/object", json(object))
        .route("/list", json(r#"[{"gone":1}]"#))
        .route("/broken", json("{\"gone\":"))
        .route("/text", get(|| async { r#"{"gone":1}"# }))
        .route("/headers", get(|| async { [("x-gone", "1"), ("x-old", "2"), ("x-there", "3")] }));
    serve(app).await
}

async fn gateway(config: Value) -> Gateway {
    Gateway::of_file(&with_plugins(service().await, &[("response-transformer", config)]))
}

#[tokio::test]
async fn headers_are_removed_renamed_replaced_added_and_appended() {
    let gateway = gateway(json!({
        "remove": { "headers": ["x-gone"] },
        "rename": { "headers": ["x-old:x-new", "x-nothing:x-something"] },
        "replace": { "headers": ["x-there:replaced", "x-missing:replaced"] },
        "add": { "headers": ["x-added:a:b", "x-there:ignored", "x-gone:ignored"] },
        "append": { "headers": ["x-there:more", "x-appended:first"] },
    }))
    .await;
    let reply = gateway.get("/headers").send().await;
    for gone in ["x-gone", "x-old", "x-missing", "x-something"] {
        assert!(!reply.headers.contains_key(gone), "{gone}");
    }
    for (name, value) in [("x-new", "2"), ("x-added", "a:b"), ("x-appended", "first")] {
        assert_eq!(reply.header(name), value, "{name}");
    }
    let there: Vec<_> = reply.headers.get_all("x-there").iter().collect();
    assert_eq!(there, ["replaced", "more"]);
}

#[tokio::test]
async fn json_is_transformed_with_values_of_their_types() {
    let gateway = gateway(json!({
        "remove": { "json": ["gone", "missing"] },
        "rename": { "json": ["old:new", "missing:something"] },
        "replace": {
            "json": ["there:7.5", "missing:1", "off:ignored"],
            "json_types": ["number", "number", "string"],
        },
        "add": {
            "json": ["added:true", "there:0", "untyped:9", "nan:none", "off:1"],
            "json_types": ["boolean", "number", "string", "number", "number"],
        },
        "append": { "json": ["text:b", "list:2", "fresh:c"], "json_types": ["string", "number"] },
    }))
    .await;
    let reply = gateway.get("/object").send().await;
    let expected = json!({
        "new": 2, "there": 7.5, "added": true, "untyped": "9", "off": 1, "text": ["a", "b"],
        "list": ["a", 2], "fresh": ["c"], "kept": { "x": 1 },
    });
    assert_eq!(reply.json(), expected);
    assert_eq!(reply.header("content-length"), reply.body.len().to_string());
    let head = gateway.call(Method::HEAD, "/object").send().await;
    assert_eq!((head.status.as_u16(), head.header("content-length")), (200, ""));
}

#[tokio::test]
async fn what_is_no_json_object_passes_as_it_is() {
    let gateway = gateway(json!({ "remove": { "json": ["gone"] } })).await;
    for (path, body) in
        [("/list", r#"[{"gone":1}]"#), ("/broken", "{\"gone\":"), ("/text", r#"{"gone":1}"#)]
    {
        let reply = gateway.get(path).send().await;
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, body), "{path}");
    }
}

#[tokio::test]
async fn what_plugins_answer_is_transformed_and_what_they_add_is_seen() {
    let transformation = json!({
        "remove": { "headers": ["RateLimit-Limit", "WWW-Authenticate"], "json": ["message"] },
        "add": { "json": ["error:refused"] },
    });
    let plugins = [
        ("response-transformer", transformation),
        ("key-auth", json!({ "keys": ["k"] })),
        ("rate-limiting", json!({ "hour": 9 })),
    ];
    let gateway = Gateway::of_file(&with_plugins(echo_upstream().await, &plugins));
    let refused = gateway.get("/").send().await;
    assert_eq!(refused.status, 401);
    assert!(!refused.headers.contains_key("www-authenticate"));
    assert_eq!(refused.json()["error"], "refused");
    assert!(refused.json().get("message").is_none());
    let let_in = gateway.get("/").header("apikey", "k").send().await;
    assert_eq!(let_in.header("ratelimit-remaining"), "8");
    assert!(!let_in.headers.contains_key("ratelimit-limit"));
}

#[tokio::test]
async fn a_global_one_has_the_answers_to_requests_that_no_route_is_for() {
    let plugin = json!({
        "name": "response-transformer", "config": { "add": { "headers": ["x-everywhere:1"] } },
    });
    let gateway = Gateway::empty();
    assert_eq!(gateway.post("/plugins", &plugin).await.status, 201);
    let reply = gateway.get("/nowhere").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-everywhere")), (404, "1"));
}

#[tokio::test]
async fn a_consumer_may_have_another_one() {
    let file = json!({
        "_format_version": "3.0",
        "consumers": [{ "username": "alice", "keyauth_credentials": [{ "key": "a" }] }],
        "services": [{ "url": format!("http://{}", echo_upstream().await), "routes": [{
            "paths": ["/"],
            "plugins": [
                { "name": "key-auth", "config": { "keys": ["b"] } },
                { "name": "response-transformer", "config": { "add": { "headers": ["x-for:all"] } } },
                {
                    "name": "response-transformer", "consumer": "alice",
                    "config": { "add": { "headers": ["x-for:alice"] } },
                },
            ],
        }] }],
    });
    let gateway = Gateway::of_file(&file.to_string());
    for (key, seen) in [("a", "alice"), ("b", "all")] {
        assert_eq!(gateway.get("/").header("apikey", key).send().await.header("x-for"), seen);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_transformation_is_told() {
    let gateway = Gateway::empty();
    let cases = [
        (json!({ "add": { "headers": ["no-value"] } }), "invalid value: no-value"),
        (json!({ "add": { "headers": ["no name:1"] } }), "'no name' is not a valid header"),
        (json!({ "append": { "json": ["no-value"] } }), "invalid value: no-value"),
        (json!({ "add": { "json": ["a:1"], "json_types": ["table"] } }), "expected one of"),
        (json!({ "rename": { "json": ["a:b"], "json_types": ["string"] } }), "unknown field"),
    ];
    gateway.refuses("response-transformer", &cases).await;
}
