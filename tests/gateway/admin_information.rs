//! What the Admin API tells of itself: schemas, endpoints, methods, headers.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Gateway, Start};

#[tokio::test]
async fn the_root_tells_what_is_available_and_in_use() {
    let gateway = Gateway::empty();
    gateway.post("/plugins", &json!({ "name": "cors" })).await;
    let about = gateway.admin("/").send().await.json();
    assert_eq!(about["plugins"]["enabled_in_cluster"], json!(["cors"]));
    assert!(about["plugins"]["available_on_server"]["pre-function"].is_object());
    assert_eq!(about["configuration"]["database"], "sqlite");
    assert!(about["version"].is_string() && about["tagline"].is_string());
    let file = Gateway::of_file("_format_version: \"3.0\"");
    let about = file.admin("/").send().await.json();
    assert_eq!(about["configuration"]["database"], "off");
}

#[tokio::test]
async fn the_status_counts() {
    let gateway = Start::new().arg("--demo").serving();
    gateway.get("/test").send().await;
    let status = gateway.admin("/status").send().await.json();
    assert_eq!(status["database"]["reachable"], true);
    for count in ["connections_accepted", "connections_active", "total_requests"] {
        assert!(status["server"][count].is_u64(), "{status}");
    }
    assert!(status["memory"]["lua"]["used"].as_u64() > Some(0), "{status}");
}

#[tokio::test]
async fn schemas_are_printed_from_what_is_checked_by() {
    let gateway = Gateway::empty();
    let field = |schema: &Value, name: &str| {
        let fields = schema["fields"].as_array().unwrap();
        fields.iter().find_map(|field| field.get(name)).cloned().unwrap_or_default()
    };
    let services = gateway.admin("/schemas/services").send().await.json();
    assert_eq!(
        field(&services, "retries"),
        json!({ "type": "integer", "default": 5, "between": [0, 32767] })
    );
    assert_eq!(field(&services, "host")["required"], true);
    assert!(!services["entity_checks"].as_array().unwrap().is_empty());
    let plugin = gateway.admin("/schemas/plugins/pre-function").send().await.json();
    let config = field(&plugin, "config");
    assert_eq!(
        field(&config, "access"),
        json!({
            "type": "array", "required": true, "default": [], "len_max": 1000,
            "elements": { "type": "string", "required": true },
        })
    );
    let deprecated = gateway.admin("/plugins/schema/pre-function").send().await.json();
    assert_eq!(deprecated, config);
    for name in ["routes", "plugins", "apis"] {
        assert_eq!(gateway.admin(&format!("/schemas/{name}")).send().await.status, 200);
    }
    for (path, message) in [
        ("/schemas/nothing", "No entity named 'nothing'"),
        ("/schemas/plugins/nothing", "No plugin named 'nothing'"),
        ("/plugins/schema/nothing", "No plugin named 'nothing'"),
    ] {
        let reply = gateway.admin(path).send().await;
        assert_eq!((reply.status.as_u16(), reply.json()), (404, json!({ "message": message })));
    }
}

#[tokio::test]
async fn entities_can_be_checked_without_being_made() {
    let gateway = Gateway::empty();
    let check = async |kind: &str, entity: Value| {
        gateway.post(&format!("/schemas/{kind}/validate"), &entity).await
    };
    let reply = check("services", json!({ "url": "http://a.example" })).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json(), json!({ "message": "schema validation successful" }));
    assert_eq!(check("routes", json!({})).await.status, 400);
    assert_eq!(check("nothing", json!({})).await.status, 404);
    let plugin = json!({ "name": "pre-function", "config": { "access": ["if"] } });
    assert_eq!(check("plugins", plugin).await.json()["name"], "schema violation");
    assert_eq!(gateway.admin("/services").send().await.json()["data"], json!([]));
}

#[tokio::test]
async fn endpoints_are_listed_and_answer() {
    let gateway = Gateway::empty();
    let endpoints = gateway.admin("/endpoints").send().await.json();
    let endpoints = endpoints["data"].as_array().unwrap();
    for wanted in [
        "/",
        "/apis/{apis}/plugins",
        "/config",
        "/routes/{routes}/plugins",
        "/routes/{routes}/service",
        "/services/{services}/plugins/{plugins}",
        "/services/{services}/routes/{routes}",
        "/tags/{tags}",
    ] {
        assert!(endpoints.contains(&json!(wanted)), "{wanted}");
    }
    for endpoint in endpoints {
        let path = endpoint.as_str().unwrap().replace(['{', '}'], "");
        let reply = gateway.admin_call(Method::OPTIONS, &path).send().await;
        assert_eq!(reply.status, 204, "{path}");
    }
}

#[tokio::test]
async fn what_kong_enterprise_alone_has_is_not_found() {
    let gateway = Gateway::empty();
    for path in
        ["/workspaces", "/rbac/users", "/consumer_groups", "/licenses", "/developers", "/admins"]
    {
        let reply = gateway.admin(path).send().await;
        assert_eq!((reply.status.as_u16(), reply.json()), (404, json!({ "message": "Not found" })));
        assert_eq!(gateway.post(path, &json!({ "name": "a" })).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn methods_that_there_are_not_are_refused() {
    let gateway = Gateway::empty();
    for (method, path) in [
        (Method::DELETE, "/services"),
        (Method::PUT, "/routes"),
        (Method::POST, "/services/a"),
        (Method::POST, "/status"),
        (Method::GET, "/schemas/plugins/validate"),
        (Method::TRACE, "/"),
    ] {
        let reply = gateway.admin_call(method.clone(), path).send().await;
        assert_eq!(reply.status, 405, "{method} {path}");
        assert_eq!(reply.json(), json!({ "message": "Method not allowed" }));
    }
    let reply = gateway.admin("/nothing").send().await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.json(), json!({ "message": "Not found" }));
}

#[tokio::test]
async fn options_and_head_are_answered_everywhere() {
    let gateway = Gateway::empty();
    let call = gateway.admin_call(Method::OPTIONS, "/services");
    let reply = call.header("access-control-request-headers", "x-token").send().await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("allow"), "GET, HEAD, OPTIONS, POST");
    assert_eq!(reply.header("access-control-allow-methods"), "GET, HEAD, OPTIONS, POST");
    assert_eq!(reply.header("access-control-allow-headers"), "x-token");
    let get = gateway.admin("/services").send().await;
    let head = gateway.admin_call(Method::HEAD, "/services").send().await;
    assert_eq!(head.status, 200);
    assert_eq!(head.text(), "");
    assert_eq!(head.header("content-length"), get.header("content-length"));
}

#[tokio::test]
async fn all_answers_have_kongs_headers() {
    let gateway = Gateway::empty();
    for path in ["/services", "/nothing"] {
        let reply = gateway.admin(path).send().await;
        assert_eq!(reply.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert!(reply.header("x-kong-admin-latency").parse::<u64>().is_ok());
        assert!(reply.header("server").starts_with("tower-lua/"));
        assert!(!reply.header("date").is_empty());
    }
    let reply = gateway.admin("/").header("origin", "http://ui.example").send().await;
    assert_eq!(reply.header("access-control-allow-origin"), "http://ui.example");
}

#[tokio::test]
async fn without_a_database_entities_are_read_only() {
    let gateway = Gateway::of_file(
        r#"{"_format_version": "3.0", "services": [{"name": "shop", "host": "a.example"}]}"#,
    );
    for (method, path, body, wanted) in [
        (Method::POST, "/services", json!({ "host": "b.example" }), "cannot create 'services'"),
        (Method::PATCH, "/services/shop", json!({ "port": 1 }), "cannot update 'services'"),
        (
            Method::PUT,
            "/services/new",
            json!({ "host": "b.example" }),
            "cannot create or update 'services'",
        ),
        (Method::DELETE, "/services/shop", json!({}), "cannot remove 'services'"),
    ] {
        let reply = gateway.send(method, path, &body).await;
        assert_eq!(reply.status, 405, "{path}");
        let error = reply.json();
        assert_eq!(
            error,
            json!({
                "code": 12,
                "name": "operation unsupported",
                "message": format!("{wanted} entities when not using a database"),
            })
        );
    }
    let reply = gateway.post("/services", &json!({})).await;
    assert_eq!(reply.status, 400, "what is wrong is told first");
    let services = gateway.admin("/services").send().await.json();
    assert_eq!(services["data"][0]["name"], "shop");
}
