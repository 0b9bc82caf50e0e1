//! Plugins by the Admin API: what they are for, and their configurations.

use http::Method;
use serde_json::{Value, json};

use crate::support::{answering, shop};

const ID: &str = "0c61e164-6171-4837-8836-8f5298726d53";

#[tokio::test]
async fn a_plugin_has_kongs_fields_and_defaults() {
    let gateway = shop().await;
    let reply = gateway.post("/plugins", &json!({ "name": "key-auth" })).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let plugin = reply.json();
    let wanted = json!({
        "name": "key-auth", "instance_name": null, "enabled": true, "consumer": null,
        "service": null, "route": null, "protocols": ["grpc", "grpcs", "http", "https"],
        "tags": null,
        "config": {
            "key_names": ["apikey"], "hide_credentials": false, "anonymous": null,
            "key_in_header": true, "key_in_query": true, "key_in_body": false,
            "run_on_preflight": true, "realm": null,
        },
        "id": plugin["id"], "created_at": plugin["created_at"], "updated_at": plugin["created_at"],
    });
    assert_eq!(plugin, wanted);
}

#[tokio::test]
async fn every_plugin_has_defaults_or_says_what_it_needs() {
    let gateway = shop().await;
    let enabled = gateway.admin("/plugins/enabled").send().await.json();
    for name in enabled["enabled_plugins"].as_array().unwrap() {
        let reply = gateway.post("/schemas/plugins/validate", &json!({ "name": name })).await;
        let needs = match name.as_str().unwrap() {
            "pre-function" | "post-function" => {
                "at least one of these fields must be non-empty: 'config.certificate', \
                 'config.rewrite', 'config.access', 'config.header_filter', \
                 'config.body_filter', 'config.log'"
            }
            "rate-limiting" => {
                "at least one of these fields must be non-empty: 'config.second', \
                 'config.minute', 'config.hour', 'config.day', 'config.month', 'config.year'"
            }
            "opentelemetry" => {
                "at least one of these fields must be non-empty: 'config.traces_endpoint', \
                 'config.logs_endpoint'"
            }
            "ip-restriction" => {
                "at least one of these fields must be non-empty: 'config.allow', 'config.deny'"
            }
            "acl" => {
                let fields = reply.json()["fields"].to_string();
                assert!(
                    fields.contains("exactly one of these fields must be non-empty"),
                    "{fields}"
                );
                continue;
            }
            named @ ("http-log" | "file-log" | "proxy-cache") => {
                let field = match named {
                    "http-log" => "http_endpoint",
                    "file-log" => "path",
                    _ => "strategy",
                };
                let missing = json!({ "config": { field: "required field missing" } });
                assert_eq!(reply.json()["fields"], missing);
                continue;
            }
            _ => {
                assert_eq!(reply.json(), json!({ "message": "schema validation successful" }));
                continue;
            }
        };
        assert_eq!(reply.status, 400);
        assert_eq!(reply.json()["fields"], json!({ "@entity": [needs] }), "{name}");
    }
}

#[tokio::test]
async fn a_plugin_is_for_what_it_is_put_on() {
    let gateway = shop().await;
    let service = gateway.admin("/services/shop").send().await.json()["id"].clone();
    let route = gateway.admin("/routes/all").send().await.json()["id"].clone();
    let service_text = service.as_str().unwrap();
    let is_for = async |path: &str, form: &[(&str, &str)]| {
        let reply = gateway.form(path, form).await;
        assert_eq!(reply.status, 201, "{path} {form:?}: {}", reply.text());
        let plugin = reply.json();
        let id = plugin["id"].as_str().unwrap();
        gateway.admin_call(Method::DELETE, &format!("/plugins/{id}")).send().await;
        [plugin["service"]["id"].clone(), plugin["route"]["id"].clone()]
    };
    let none = Value::Null;
    for (path, form, wanted) in [
        ("/plugins", &[][..], [&none, &none]),
        ("/services/shop/plugins", &[], [&service, &none]),
        ("/routes/all/plugins", &[], [&none, &route]),
        ("/plugins", &[("service.name", "shop")], [&service, &none]),
        ("/plugins", &[("service.id", service_text)], [&service, &none]),
        ("/plugins", &[("service_id", service_text)], [&service, &none]),
        ("/plugins", &[("service_id", "shop")], [&service, &none]),
        ("/plugins", &[("service_id", "shop"), ("route_id", "all")], [&service, &route]),
        ("/routes/all/plugins", &[("service.name", "shop")], [&service, &route]),
    ] {
        let mut form = form.to_vec();
        form.extend([("name", "cors"), ("enabled", "true")]);
        assert_eq!(is_for(path, &form).await, wanted.map(Clone::clone), "{path} {form:?}");
    }
    for (form, status) in [
        (("service_id", ID), 400),
        (("route_id", "nothing"), 400),
        (("api_id", "nothing"), 400),
        (("consumer.id", ID), 400),
    ] {
        let reply = gateway.form("/plugins", &[("name", "cors"), form]).await;
        assert_eq!(reply.status, status, "{form:?}");
    }
}

#[tokio::test]
async fn a_plugin_is_once_in_a_scope() {
    let gateway = shop().await;
    let cors = json!({ "name": "cors" });
    assert_eq!(gateway.post("/plugins", &cors).await.status, 201);
    assert_eq!(gateway.post("/services/shop/plugins", &cors).await.status, 201);
    let reply = gateway.post("/plugins", &cors).await;
    assert_eq!(reply.status, 409);
    assert_eq!(
        reply.json()["message"],
        "UNIQUE violation detected on '{consumer=null,name=\"cors\",route=null,service=null}'"
    );
    assert_eq!(reply.json()["fields"]["name"], "cors");
    let named = json!({ "name": "key-auth", "instance_name": "keys" });
    assert_eq!(gateway.post("/plugins", &named).await.status, 201);
    let reply = gateway.post("/routes/all/plugins", &named).await;
    assert_eq!(reply.status, 409);
    assert_eq!(reply.json()["message"], "UNIQUE violation detected on '{instance_name=\"keys\"}'");
    assert_eq!(gateway.admin("/plugins/keys").send().await.json()["name"], "key-auth");
}

#[tokio::test]
async fn an_unknown_plugin_is_named_before_its_config() {
    let gateway = shop().await;
    let plugin = json!({ "name": "oidc", "config": { "issuer": "a" } });
    let reply = gateway.post("/plugins", &plugin).await;
    assert_eq!(reply.status, 400);
    let fields = reply.json()["fields"].clone();
    let wanted = "plugin 'oidc' not enabled; add it to the 'plugins' configuration property";
    assert!(fields["name"].as_str().unwrap().starts_with(wanted), "{fields}");
    assert_eq!(fields.as_object().unwrap().len(), 1, "{fields}");
    let reply = gateway.post("/plugins", &json!({ "config": {} })).await;
    assert_eq!(reply.json()["fields"]["name"], "required field missing");
}

#[tokio::test]
async fn what_is_wrong_with_a_configuration_is_told() {
    let gateway = shop().await;
    for (name, config, wanted) in [
        ("cors", json!({ "origin": "*" }), json!({ "config": { "origin": "unknown field" } })),
        ("cors", json!([]), json!({ "config": "expected a record" })),
        (
            "cors",
            json!({ "methods": ["GET", "LOOK"] }),
            json!({ "config": { "methods": [
                null,
                "expected one of: GET, HEAD, PUT, PATCH, POST, DELETE, OPTIONS, TRACE, CONNECT",
            ] } }),
        ),
        (
            "cors",
            json!({ "origins": ["("] }),
            json!({ "config": { "origins": ["'(' is not a valid regex"] } }),
        ),
        (
            "correlation-id",
            json!({ "generator": "serial" }),
            json!({ "config": { "generator": "expected one of: uuid, uuid#counter, tracker" } }),
        ),
        (
            "key-auth",
            json!({ "key_names": ["a b"] }),
            json!({ "config": { "key_names": [
                "bad header name 'a b', allowed characters are A-Z, a-z, 0-9, '_', and '-'",
            ] } }),
        ),
        (
            "rate-limiting",
            json!({ "second": 0 }),
            json!({ "config": { "second": "value must be greater than 0" } }),
        ),
        (
            "rate-limiting",
            json!({ "second": 10, "hour": 5 }),
            json!({ "@entity": [
                "The limit for hour(5.0) cannot be lower than the limit for second(10.0)",
            ] }),
        ),
        (
            "rate-limiting",
            json!({ "second": 1, "limit_by": "header" }),
            json!({
                "@entity": ["failed conditional validation given value of field 'config.limit_by'"],
                "config": { "header_name": "required field missing" },
            }),
        ),
        (
            "request-termination",
            json!({ "status_code": 99, "message": "a", "body": "b" }),
            json!({
                "@entity": ["message cannot be used with content_type or body"],
                "config": { "status_code": "value should be between 100 and 599" },
            }),
        ),
        (
            "request-size-limiting",
            json!({ "allowed_payload_size": 1.5 }),
            json!({ "config": { "allowed_payload_size": "expected an integer" } }),
        ),
    ] {
        let reply = gateway.post("/plugins", &json!({ "name": name, "config": config })).await;
        assert_eq!(reply.status, 400, "{name} {config}");
        assert_eq!(reply.json()["fields"], wanted, "{name} {config}");
    }
    assert_eq!(gateway.admin("/plugins").send().await.json()["data"], json!([]));
}

#[tokio::test]
async fn keys_may_say_whose_they_are() {
    let gateway = shop().await;
    let keys = json!(["a", { "key": "b", "consumer": "bob" }]);
    let plugin = json!({ "name": "key-auth", "config": { "keys": keys } });
    let plugin = gateway.post("/plugins", &plugin).await.json();
    let wanted = json!([{ "key": "a", "consumer": null }, { "key": "b", "consumer": "bob" }]);
    assert_eq!(plugin["config"]["keys"], wanted);
    let form = [("name", "key-auth"), ("config.keys", "a,b")];
    let plugin = gateway.form("/services/shop/plugins", &form).await.json();
    assert_eq!(plugin["config"]["keys"][1]["key"], "b");
    let wrong = json!({ "name": "key-auth", "config": { "keys": [{ "consumer": "a" }, 1] } });
    let reply = gateway.post("/routes/all/plugins", &wrong).await;
    let wanted = json!([{ "key": "required field missing" }, "expected a record"]);
    assert_eq!(reply.json()["fields"]["config"]["keys"], wanted);
}

#[tokio::test]
async fn a_rate_limit_as_files_for_kong_have_it_is_taken() {
    let gateway = shop().await;
    for config in [
        json!({ "minute": 5, "policy": "redis", "redis": { "host": "redis.example" } }),
        json!({ "minute": 5, "policy": "redis", "redis_host": "redis.example", "sync_rate": 10 }),
        json!({ "minute": 5, "policy": "cluster", "fault_tolerant": false }),
    ] {
        let plugin = json!({ "name": "rate-limiting", "config": config });
        let reply = gateway.post("/schemas/plugins/validate", &plugin).await;
        assert_eq!(reply.status, 200, "{config}: {}", reply.text());
    }
}

#[tokio::test]
async fn forms_have_their_strings_become_what_they_should_be() {
    let gateway = shop().await;
    let form = [
        ("name", "rate-limiting"),
        ("enabled", "false"),
        ("config.second", "5"),
        ("config.hour", "1e3"),
        ("config.hide_client_headers", "true"),
        ("config.path", ""),
        ("tags", "a,b"),
    ];
    let plugin = gateway.form("/plugins", &form).await.json();
    assert_eq!(plugin["enabled"], false);
    assert_eq!(plugin["tags"], json!(["a", "b"]));
    let config = &plugin["config"];
    let fields = ["second", "hour", "hide_client_headers", "path"].map(|name| config[name].clone());
    assert_eq!(fields, [json!(5), json!(1000), json!(true), Value::Null]);
    let form = [("name", "rate-limiting"), ("config.second", "five")];
    let reply = gateway.form("/services/shop/plugins", &form).await;
    assert_eq!(reply.json()["fields"]["config"]["second"], "expected a number");
}

#[tokio::test]
async fn a_patch_of_a_configuration_keeps_its_other_fields() {
    let gateway = shop().await;
    let config = json!({ "second": 5, "hour": 50 });
    let plugin = json!({ "name": "rate-limiting", "instance_name": "limit", "config": config });
    gateway.post("/plugins", &plugin).await;
    let call = gateway.admin_call(Method::PATCH, "/plugins/limit");
    let call = call.header("content-type", "application/x-www-form-urlencoded");
    let reply = call.body("config.hour=60&config.limit_by=ip").send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let config = reply.json()["config"].clone();
    let fields = ["second", "hour", "limit_by"].map(|name| config[name].clone());
    assert_eq!(fields, [json!(5), json!(60), json!("ip")]);
    let change = json!({ "config": { "hour": 1 } });
    assert_eq!(gateway.send(Method::PATCH, "/plugins/limit", &change).await.status, 400);
}

#[tokio::test]
async fn plugins_go_with_what_they_are_for() {
    let gateway = shop().await;
    gateway.post("/routes/all/plugins", &answering("route")).await;
    gateway.post("/plugins", &answering("global")).await;
    assert_eq!(gateway.get("/").send().await.text(), "route");
    gateway.admin_call(Method::DELETE, "/routes/all").send().await;
    let left = gateway.admin("/plugins").send().await.json();
    assert_eq!(left["data"].as_array().unwrap().len(), 1, "{left}");
    gateway.post("/routes", &json!({ "paths": ["/"] })).await;
    assert_eq!(gateway.get("/").send().await.text(), "global");
}
