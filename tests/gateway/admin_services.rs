//! Services by the Admin API.

use http::Method;
use serde_json::{Value, json};

use crate::support::Gateway;

const ID: &str = "0c61e164-6171-4837-8836-8f5298726d53";

#[tokio::test]
async fn a_service_has_kongs_fields_and_defaults() {
    let gateway = Gateway::empty();
    let reply = gateway.post("/services", &json!({ "name": "shop", "host": "shop.example" })).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let service = reply.json();
    let wanted = json!({
        "name": "shop", "protocol": "http", "host": "shop.example", "port": 80, "path": null,
        "retries": 5, "connect_timeout": 60000, "write_timeout": 60000, "read_timeout": 60000,
        "tags": null, "client_certificate": null, "tls_verify": null, "tls_verify_depth": null,
        "ca_certificates": null, "enabled": true,
        "id": service["id"], "created_at": service["created_at"],
        "updated_at": service["created_at"],
    });
    assert_eq!(service, wanted);
    assert_eq!(service["id"].as_str().map(str::len), Some(36));
    assert!(service["created_at"].as_i64() > Some(1_500_000_000), "in seconds");
    for key in ["shop", service["id"].as_str().unwrap()] {
        assert_eq!(gateway.admin(&format!("/services/{key}")).send().await.json(), service);
    }
}

#[tokio::test]
async fn a_url_stands_for_its_parts() {
    let gateway = Gateway::empty();
    for (url, protocol, host, port, path) in [
        ("http://a.example/headers", "http", "a.example", 80, json!("/headers")),
        ("https://a.example", "https", "a.example", 443, Value::Null),
        ("http://a.example:8080/", "http", "a.example", 8080, json!("/")),
        ("http://127.0.0.1:81/a/b?c=d", "http", "127.0.0.1", 81, json!("/a/b")),
        ("grpc://a.example:50051", "grpc", "a.example", 50051, Value::Null),
    ] {
        let given = json!({ "url": url, "protocol": "http", "enabled": true });
        let reply = gateway.post("/schemas/services/validate", &given).await;
        assert_eq!(reply.status, 200, "{url}: {}", reply.text());
        if protocol == "http" {
            let service = gateway.form("/services", &[("url", url)]).await.json();
            let parts = ["protocol", "host", "port", "path"].map(|part| service[part].clone());
            assert_eq!(parts, [json!(protocol), json!(host), json!(port), path], "{url}");
            assert!(service.get("url").is_none());
        }
    }
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let gateway = Gateway::empty();
    let reply = gateway
        .post(
            "/services",
            &json!({ "name": "a/b", "port": 70000, "retries": "many", "colour": 1, "path": "a" }),
        )
        .await;
    assert_eq!(reply.status, 400);
    let name = "invalid value 'a/b': the only accepted ascii characters are alphanumerics or ., -, _, and ~";
    assert_eq!(
        reply.json(),
        json!({
            "code": 2,
            "name": "schema violation",
            "message": format!(
                "6 schema violations (colour: unknown field; host: required field missing; \
                 name: {name}; path: should start with: /; \
                 port: value should be between 0 and 65535; retries: expected an integer)"
            ),
            "fields": {
                "colour": "unknown field",
                "host": "required field missing",
                "name": name,
                "path": "should start with: /",
                "port": "value should be between 0 and 65535",
                "retries": "expected an integer",
            },
        })
    );
    assert_eq!(gateway.admin("/services").send().await.json()["data"], json!([]));
}

#[tokio::test]
async fn one_mistake_is_told_with_its_field() {
    let gateway = Gateway::empty();
    for (mistake, field, wanted) in [
        (json!({ "host": "a:80" }), "host", "must not have a port"),
        (json!({ "host": "a b" }), "host", "invalid value: a b"),
        (json!({ "host": "" }), "host", "length must be at least 1"),
        (json!({ "host": 1 }), "host", "expected a string"),
        (json!({ "host": null }), "host", "required field missing"),
        (json!({ "path": "/a//b" }), "path", "must not have empty segments"),
        (json!({ "path": "/%zz" }), "path", "invalid url-encoded value: '%zz'"),
        (
            json!({ "path": "/a b" }),
            "path",
            "invalid path: '/a b' (characters outside of the reserved list of RFC 3986 found)",
        ),
        (json!({ "enabled": "true" }), "enabled", "expected a boolean"),
        (json!({ "read_timeout": 0 }), "read_timeout", "value should be between 1 and 2147483646"),
        (json!({ "tags": "a b/c" }), "tags", "tags.1"),
        (json!({ "tags": 7 }), "tags", "expected a set"),
        (json!({ "id": "7" }), "id", "expected a valid UUID"),
        (json!({ "created_at": -1 }), "created_at", "expected a valid timestamp"),
        (json!({ "url": "shop" }), "url", "'shop' is not a url"),
    ] {
        let mut service = json!({ "host": "shop.example" });
        service.as_object_mut().unwrap().extend(mistake.as_object().unwrap().clone());
        let reply = gateway.post("/services", &service).await;
        assert_eq!(reply.status, 400, "{mistake}");
        let error = reply.json();
        assert!(error["message"].as_str().unwrap().contains(wanted), "{mistake}: {error}");
        assert!(!error["fields"][field].is_null(), "{mistake}: {error}");
        assert_eq!(error["fields"].as_object().unwrap().len(), 1, "{mistake}: {error}");
    }
}

#[tokio::test]
async fn what_a_protocol_does_not_allow_is_refused() {
    let gateway = Gateway::empty();
    let reply = gateway
        .post("/services", &json!({ "host": "a.example", "protocol": "grpc", "path": "/a" }))
        .await;
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.json()["fields"],
        json!({
            "path": "value must be null",
            "@entity": ["failed conditional validation given value of field 'protocol'"],
        })
    );
    let reply =
        gateway.post("/services", &json!({ "host": "a.example", "tls_verify": true })).await;
    assert_eq!(reply.json()["fields"]["tls_verify"], "value must be null");
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let gateway = Gateway::empty();
    let shop = json!({ "name": "shop", "host": "shop.example" });
    gateway.post("/services", &shop).await;
    let reply = gateway.post("/services", &shop).await;
    assert_eq!(reply.status, 409);
    assert_eq!(
        reply.json(),
        json!({
            "code": 5,
            "name": "unique constraint violation",
            "message": "UNIQUE violation detected on '{name=\"shop\"}'",
            "fields": { "name": "shop" },
        })
    );
}

#[tokio::test]
async fn an_id_is_taken_once() {
    let gateway = Gateway::empty();
    let shop = json!({ "id": ID, "host": "shop.example" });
    assert_eq!(gateway.post("/services", &shop).await.json()["id"], ID);
    let reply = gateway.post("/services", &shop).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["code"], 3);
    assert_eq!(reply.json()["message"], format!("primary key violation on key '{{id=\"{ID}\"}}'"));
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let gateway = Gateway::empty();
    let shop = json!({ "name": "shop", "host": "shop.example", "path": "/a", "tags": ["a"] });
    let old = gateway.post("/services", &shop).await.json();
    let change = json!({ "port": 81, "path": null });
    let reply = gateway.send(Method::PATCH, "/services/shop", &change).await;
    assert_eq!(reply.status, 200);
    let mut wanted = old.clone();
    wanted["port"] = json!(81);
    wanted["path"] = Value::Null;
    wanted["updated_at"] = reply.json()["updated_at"].clone();
    assert_eq!(reply.json(), wanted);
    let reply = gateway.send(Method::PATCH, "/services/shop", &json!({ "port": -1 })).await;
    assert_eq!(reply.status, 400);
    assert_eq!(gateway.admin("/services/shop").send().await.json(), wanted);
    let reply = gateway.send(Method::PATCH, "/services/nothing", &change).await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.json(), json!({ "message": "Not found" }));
}

#[tokio::test]
async fn a_name_can_change_to_one_that_is_free() {
    let gateway = Gateway::empty();
    for name in ["shop", "stock"] {
        gateway.post("/services", &json!({ "name": name, "host": "a.example" })).await;
    }
    let rename = async |name: &str| {
        gateway.send(Method::PATCH, "/services/shop", &json!({ "name": name })).await.status
    };
    assert_eq!(rename("stock").await, 409);
    assert_eq!(rename("store").await, 200);
    assert_eq!(gateway.admin("/services/shop").send().await.status, 404);
    assert_eq!(gateway.admin("/services/store").send().await.status, 200);
    // The old one is free again.
    let reply = gateway.post("/services", &json!({ "name": "shop", "host": "a.example" })).await;
    assert_eq!(reply.status, 201);
}

#[tokio::test]
async fn a_put_makes_or_replaces() {
    let gateway = Gateway::empty();
    let put = async |key: &str, body: Value| {
        gateway.send(Method::PUT, &format!("/services/{key}"), &body).await
    };
    let made = put("shop", json!({ "host": "shop.example", "path": "/a" })).await;
    assert_eq!(made.status, 200);
    assert_eq!(made.json()["name"], "shop");
    let replaced = put("shop", json!({ "host": "other.example" })).await.json();
    assert_eq!(replaced["id"], made.json()["id"]);
    assert_eq!(replaced["created_at"], made.json()["created_at"]);
    assert_eq!(replaced["path"], Value::Null);
    let by_id = put(ID, json!({ "host": "a.example", "name": "by-id" })).await;
    assert_eq!(by_id.status, 200);
    assert_eq!(by_id.json()["id"], ID);
    assert_eq!(put(ID, json!({ "host": "a.example", "name": "shop" })).await.status, 409);
    assert_eq!(put("no%20name", json!({ "host": "a.example" })).await.status, 400);
}

#[tokio::test]
async fn a_service_is_deleted_once_it_has_no_routes() {
    let gateway = Gateway::empty();
    let delete = async |path: &str| gateway.admin_call(Method::DELETE, path).send().await;
    gateway.post("/services", &json!({ "name": "shop", "host": "a.example" })).await;
    gateway.post("/services/shop/routes", &json!({ "name": "all", "paths": ["/"] })).await;
    gateway.post("/services/shop/plugins", &json!({ "name": "cors" })).await;
    let reply = delete("/services/shop").await;
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.json(),
        json!({
            "code": 4,
            "name": "foreign key violation",
            "message": "an existing 'routes' entity references this 'services' entity",
            "fields": { "@referenced_by": "routes" },
        })
    );
    assert_eq!(delete("/routes/all").await.status, 204);
    let reply = delete("/services/shop").await;
    assert_eq!((reply.status.as_u16(), reply.text().as_str()), (204, ""));
    assert_eq!(gateway.admin("/services/shop").send().await.status, 404);
    assert_eq!(gateway.admin("/plugins").send().await.json()["data"], json!([]));
    // As Kong: deleting is done when it is not there.
    assert_eq!(delete("/services/shop").await.status, 204);
}
