//! `POST /debug/try`: dry runs by the Admin API.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Gateway, Reply, Start};

fn debugging() -> Gateway {
    Start::new().arg("--debug").serving()
}

/// What a dry run tells.
async fn told(gateway: &Gateway, body: &Value) -> Value {
    let reply = gateway.post("/debug/try", body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn access(source: &str) -> Value {
    json!({ "access": [source] })
}

#[tokio::test]
async fn functions_that_are_given_are_told_of() {
    let gateway = debugging();
    let source = "local user = kong.request.get_header('x-user')\n\
        kong.service.request.set_header('x-name', user:upper())\n\
        kong.log.warn(kong.request.get_raw_body())";
    let body = json!({
        "functions": { "access": [source], "log": ["kong.log(ngx.status)"] },
        "request": { "method": "POST", "path": "/a?b=1", "headers": { "X-User": "ada" }, "body": { "n": 1 } },
        "upstream": { "status": 201, "headers": { "x-from": ["a", "b"] }, "body": "made" },
    });
    let told = told(&gateway, &body).await;
    let function = &told["phases"][0]["functions"][0];
    let call = json!({
        "name": "kong.request.get_header", "arguments": ["\"x-user\""], "result": ["\"ada\""], "error": null,
    });
    assert_eq!(function["calls"][0], call);
    assert!(function["logs"][0]["message"].as_str().unwrap().ends_with(r#"{"n":1}"#), "{function}");
    assert!(function["error"].is_null() && function["wall_us"].as_u64().unwrap() > 0, "{function}");
    assert!(function["cpu_us"].is_u64() && function["allocated"].is_u64(), "{function}");
    let change = json!({
        "message": "request", "part": "header", "name": "x-name", "before": [], "after": ["ADA"],
    });
    assert_eq!(told["phases"][0]["changes"], json!([change]));
    assert_eq!(told["forwarded"]["method"], "POST");
    assert_eq!(told["forwarded"]["headers"]["x-name"], "ADA");
    assert_eq!(told["forwarded"]["headers"]["content-type"], "application/json");
    assert_eq!(told["response"]["status"], 201);
    assert_eq!(told["response"]["headers"]["x-from"], json!(["a", "b"]));
    assert_eq!(told["response"]["body"], "made");
    assert_eq!(told["phases"][1]["phase"], "log");
}

#[tokio::test]
async fn a_plugin_that_is_there_runs_without_anything_else() {
    let gateway = debugging();
    let config = access("kong.response.exit(403, 'no')");
    let plugin = gateway
        .post("/plugins", &json!({ "name": "post-function", "config": config }))
        .await
        .json();
    let told = told(&gateway, &json!({ "plugin": plugin["id"] })).await;
    assert_eq!(told["response"]["status"], 403);
    assert_eq!(told["forwarded"], Value::Null);
    let function = &told["phases"][0]["functions"][0];
    assert_eq!(
        (&function["plugin"], &function["outcome"]),
        (&"post-function".into(), &"exited".into())
    );
    assert_eq!(gateway.admin("/plugins").send().await.json()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn without_functions_what_is_configured_counts() {
    let gateway = debugging();
    let service = json!({ "name": "shop", "url": "http://127.0.0.1:1/v1" });
    gateway.post("/services", &service).await;
    let route = json!({ "name": "orders", "paths": ["/orders"] });
    gateway.post("/services/shop/routes", &route).await;
    let config = access("kong.service.request.set_header('x-route', kong.router.get_route().name)");
    gateway
        .post("/routes/orders/plugins", &json!({ "name": "pre-function", "config": config }))
        .await;
    gateway.post("/plugins", &json!({ "name": "correlation-id" })).await;
    let told = told(&gateway, &json!({ "request": { "path": "/orders/7" } })).await;
    assert_eq!(
        (&told["route"]["name"], &told["service"]["name"]),
        (&"orders".into(), &"shop".into())
    );
    assert_eq!(told["plugins_left_out"], json!(["correlation-id"]));
    assert_eq!(told["forwarded"]["url"], "http://127.0.0.1:1/v1/7");
    assert_eq!(told["forwarded"]["headers"]["x-route"], "orders");
    assert_eq!(told["response"]["status"], 200);
}

#[tokio::test]
async fn what_functions_ask_of_others_is_answered_or_refused() {
    let gateway = debugging();
    let source = "local ask = function(url) return require('resty.http').new():request_uri(url) end
        local _, err = ask('http://127.0.0.1:1/')
        kong.response.exit(200, ask('https://idp.internal/a?b=1').body .. err)";
    let http = json!({ "https://idp.internal/a": { "body": { "user": "ada" } } });
    let told = told(&gateway, &json!({ "functions": access(source), "http": http })).await;
    let body = told["response"]["body"].as_str().unwrap();
    assert!(body.starts_with(r#"{"user":"ada"}nothing leaves a dry run"#), "{body}");
}

#[tokio::test]
async fn hostile_functions_do_not_keep_others_from_their_answers() {
    let gateway = debugging();
    for (source, expected) in [
        ("while true do end", "CPU budget exhausted"),
        ("local s = 'x' while true do s = s .. s end", "not enough memory"),
        ("error(('x'):rep(2^24))", "xxx"),
        ("while true do kong.log.err('x') end", "CPU budget exhausted"),
    ] {
        let body = json!({ "functions": access(source) });
        let [one, other, third] = [(); 3].map(|()| gateway.post("/debug/try", &body));
        let (one, other, third) = tokio::join!(one, other, third);
        for reply in [one, other, third] {
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert!(reply.text().len() < 2 << 20 && reply.text().contains(expected), "{expected}");
        }
    }
    assert_eq!(gateway.admin("/status").send().await.status, 200);
    // What was only tried is in nobody's way.
    assert_eq!(gateway.get("/").send().await.status, 404);
}

#[tokio::test]
async fn bad_input_is_told_of() {
    let gateway = debugging();
    for (body, expected) in [
        (json!({ "function": {} }), "unknown field `function`, expected one of"),
        (json!({ "functions": { "acces": ["x()"] } }), "unknown field"),
        (json!({ "functions": access("local = 1") }), "'<name>' expected near '='"),
        (json!({ "functions": {}, "plugin": "a" }), "exclude each other"),
        (json!({ "functions": {}, "request": { "path": "a" } }), "request: path: 'a' is none"),
        (
            json!({ "functions": {}, "request": { "method": "G T" } }),
            "request: method: 'G T' is none",
        ),
        (
            json!({ "functions": {}, "request": { "headers": { "a b": "c" } } }),
            "request: headers: 'a b'",
        ),
        (
            json!({ "functions": {}, "request": { "headers": { "a": {} } } }),
            "request: headers: 'a': expected a text",
        ),
        (
            json!({ "functions": {}, "request": { "scheme": "ftp" } }),
            "request: scheme: expected http or https",
        ),
        (json!({ "functions": {}, "request": { "client_ip": "x" } }), "invalid IP address"),
        (
            json!({ "functions": {}, "upstream": { "status": 99 } }),
            "upstream: status: expected a number",
        ),
        (json!({ "functions": {}, "http": { "idp": {} } }), "http: 'idp' is no URL"),
        (json!({ "functions": 7 }), "invalid type"),
    ] {
        let reply = gateway.post("/debug/try", &body).await;
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.text().contains(expected), "{expected}: {}", reply.text());
    }
    let nobody = json!({ "plugin": "2b3e0d9c-6b8f-4d1e-9f56-7a1f4d2f3c11" });
    assert_eq!(gateway.post("/debug/try", &nobody).await.status, 404);
    let other = gateway.post("/plugins", &json!({ "name": "correlation-id" })).await.json();
    let reply: Reply = gateway.post("/debug/try", &json!({ "plugin": other["id"] })).await;
    assert!(reply.status == 400 && reply.text().contains("'correlation-id' has no functions"));
    let call =
        gateway.admin_call(Method::POST, "/debug/try").header("content-type", "application/json");
    assert!(call.body("{").send().await.text().contains("Cannot parse JSON body"));
    assert_eq!(gateway.admin("/debug/try").send().await.status, 405);
}

#[tokio::test]
async fn there_are_none_unless_the_gateway_is_for_debugging() {
    let gateway = Gateway::empty();
    let reply = gateway.post("/debug/try", &json!({ "functions": access("x()") })).await;
    assert_eq!(reply.status, 404);
    assert!(reply.text().contains("--debug"), "{}", reply.text());
}
