//! `request-transformer`, whose templates are Lua, and `ip-restriction`.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Gateway, echo_upstream, with_plugins};

async fn gateway(plugins: &[(&str, Value)]) -> Gateway {
    Gateway::of_file(&with_plugins(echo_upstream().await, plugins))
}

#[tokio::test]
async fn headers_are_removed_renamed_replaced_added_and_appended() {
    let config = json!({
        "remove": { "headers": ["x-gone"] },
        "rename": { "headers": ["x-old:x-new"] },
        "replace": { "headers": ["x-there:replaced", "x-missing:replaced", "Host:other.example"] },
        "add": { "headers": ["x-added:a:b", "x-there:ignored"] },
        "append": { "headers": ["x-list:two"] },
    });
    let gateway = gateway(&[("request-transformer", config)]).await;
    let call = gateway.get("/").header("x-gone", "1").header("x-old", "2").header("x-there", "3");
    let seen = call.header("x-list", "one").send().await.json();
    let headers = &seen["headers"];
    assert!(headers.get("x-gone").is_none() && headers.get("x-old").is_none(), "{headers}");
    assert!(headers.get("x-missing").is_none(), "{headers}");
    assert_eq!(headers["x-new"], "2");
    assert_eq!(headers["x-there"], "replaced");
    assert_eq!(headers["x-added"], "a:b");
    assert_eq!(headers["host"], "other.example");
    assert!(headers["x-list"].to_string().contains("two"), "{headers}");
}

#[tokio::test]
async fn arguments_methods_and_paths_are_other_ones() {
    let config = json!({
        "http_method": "PUT",
        "remove": { "querystring": ["gone"] },
        "rename": { "querystring": ["old:new"] },
        "replace": { "querystring": ["there:replaced"], "uri": "/other/$(query_params.there)" },
        "add": { "querystring": ["added:1"] },
        "append": { "querystring": ["list:2"] },
    });
    let gateway = gateway(&[("request-transformer", config)]).await;
    let seen = gateway.get("/p?gone=1&old=2&there=3&list=1").send().await.json();
    assert_eq!(seen["method"], "PUT");
    let uri = seen["uri"].as_str().unwrap();
    let (path, query) = uri.split_once('?').unwrap();
    let mut pairs: Vec<_> = query.split('&').collect();
    pairs.sort_unstable();
    assert_eq!(path, "/other/3");
    assert_eq!(pairs, ["added=1", "list=1", "list=2", "new=2", "there=replaced"]);
}

#[tokio::test]
async fn bodies_are_transformed_in_their_format() {
    let config = json!({
        "remove": { "body": ["gone"] },
        "rename": { "body": ["old:new"] },
        "replace": { "body": ["there:replaced"] },
        "add": { "body": ["added:1"] },
    });
    let gateway = gateway(&[("request-transformer", config)]).await;
    let call = gateway.call(Method::POST, "/").header("content-type", "application/json");
    let seen = call.body(r#"{"gone":1,"old":2,"there":3,"kept":[4]}"#).send().await.json();
    let body: Value = serde_json::from_str(seen["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, json!({ "new": 2, "there": "replaced", "kept": [4], "added": "1" }));
    let form = "application/x-www-form-urlencoded";
    let call = gateway.call(Method::POST, "/").header("content-type", form);
    let seen = call.body("gone=1&there=3").send().await.json();
    let mut pairs: Vec<_> = seen["body"].as_str().unwrap().split('&').collect();
    pairs.sort_unstable();
    assert_eq!(pairs, ["added=1", "there=replaced"]);
    let call = gateway.call(Method::POST, "/").header("content-type", "text/plain").body("gone=1");
    assert_eq!(call.send().await.json()["body"], "gone=1");
}

#[tokio::test]
async fn templates_are_lua_in_the_sandbox() {
    let config = json!({ "add": { "headers": [
        "x-token: $((headers.authorization ~= nil and headers.authorization:sub(1, 5) == 'Token' and headers.authorization) or headers.apikey)",
        "x-shared:<$(shared.name)>",
        "x-empty:$(headers.nothing)",
        "x-inside:$(tostring(os.execute))",
    ] } });
    let shared = json!({ "access": ["kong.ctx.shared.name = 'of a function'"] });
    let gateway = gateway(&[("pre-function", shared), ("request-transformer", config)]).await;
    let seen = gateway.get("/").header("apikey", "k").send().await.json();
    let headers = &seen["headers"];
    assert_eq!(headers["x-token"], "k");
    assert_eq!(headers["x-shared"], "<of a function>");
    assert_eq!(headers["x-empty"], "");
    assert_eq!(headers["x-inside"], "nil");
    let call = gateway.get("/").header("apikey", "k").header("authorization", "Token t");
    assert_eq!(call.send().await.json()["headers"]["x-token"], "Token t");
}

#[tokio::test]
async fn what_is_wrong_with_a_transformation_is_told() {
    let gateway = Gateway::empty();
    let cases = [
        (json!({ "add": { "headers": ["no-value"] } }), "invalid value: no-value"),
        (json!({ "add": { "headers": ["no name:1"] } }), "'no name' is not a valid header"),
        (json!({ "add": { "querystring": ["a:"] } }), "key 'a' has no value"),
        (json!({ "http_method": "get" }), "invalid value: get"),
        (json!({ "add": { "headers": ["a:$(if)"] } }), "request-transformer"),
    ];
    gateway.refuses("request-transformer", &cases).await;
}

#[tokio::test]
async fn addresses_are_let_in_or_not() {
    for (config, status) in [
        (json!({ "allow": ["127.0.0.0/8"] }), 200),
        (json!({ "allow": ["10.0.0.1", "::1"] }), 403),
        (json!({ "deny": ["127.0.0.1"] }), 403),
        (json!({ "deny": ["127.0.0.1"], "allow": ["127.0.0.1"] }), 403),
        (json!({ "deny": ["10.0.0.0/8"] }), 200),
        (json!({ "deny": ["127.0.0.1"], "status": 404, "message": "nothing here" }), 404),
    ] {
        let gateway = gateway(&[("ip-restriction", config.clone())]).await;
        let reply = gateway.get("/").send().await;
        assert_eq!(reply.status.as_u16(), status, "{config}");
        let expected = match status {
            403 => "IP address not allowed: 127.0.0.1",
            404 => "nothing here",
            _ => continue,
        };
        assert_eq!(reply.json()["message"], expected);
    }
    let gateway = Gateway::empty();
    let plugin = json!({ "name": "ip-restriction", "config": { "allow": ["10.0.0.0/99"] } });
    let reply = gateway.post("/plugins", &plugin).await;
    assert!(reply.text().contains("invalid ip or cidr range: '10.0.0.0/99'"), "{}", reply.text());
}
