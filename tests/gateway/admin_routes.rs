//! Routes by the Admin API.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Gateway, echo_upstream};

const ID: &str = "0c61e164-6171-4837-8836-8f5298726d53";

async fn with_service() -> Gateway {
    let gateway = Gateway::empty();
    let url = format!("http://{}", echo_upstream().await);
    gateway.post("/services", &json!({ "name": "shop", "url": url })).await;
    gateway
}

#[tokio::test]
async fn a_route_has_kongs_fields_and_defaults() {
    let gateway = with_service().await;
    let service = gateway.admin("/services/shop").send().await.json();
    let reply = gateway.form("/services/shop/routes", &[("paths[]", "/test")]).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let route = reply.json();
    let wanted = json!({
        "name": null, "protocols": ["http", "https"], "methods": null, "hosts": null,
        "paths": ["/test"], "headers": null, "snis": null, "sources": null, "destinations": null,
        "https_redirect_status_code": 426, "regex_priority": 0, "strip_path": true,
        "path_handling": "v0", "preserve_host": false, "request_buffering": true,
        "response_buffering": true, "tags": null, "service": { "id": service["id"] },
        "id": route["id"], "created_at": route["created_at"], "updated_at": route["created_at"],
    });
    assert_eq!(route, wanted);
    assert_eq!(gateway.get("/test/a").send().await.json()["uri"], "/a");
}

#[tokio::test]
async fn a_change_is_in_force_when_it_is_answered() {
    let gateway = with_service().await;
    gateway.post("/services/shop/routes", &json!({ "name": "r", "paths": ["/a"] })).await;
    for position in 0..20 {
        let path = format!("/path-{position}");
        gateway.send(Method::PATCH, "/routes/r", &json!({ "paths": [path] })).await;
        assert_eq!(gateway.get(&path).send().await.status, 200);
        assert_eq!(gateway.get("/a").send().await.status, 404);
    }
    gateway.admin_call(Method::DELETE, "/routes/r").send().await;
    assert_eq!(gateway.get("/path-19").send().await.status, 404);
}

#[tokio::test]
async fn a_route_must_match_by_something() {
    let gateway = with_service().await;
    let violation = async |route: Value| {
        let reply = gateway.post("/services/shop/routes", &route).await;
        assert_eq!(reply.status, 400, "{route}");
        reply.json()["fields"]["@entity"][0].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(
        violation(json!({})).await,
        "must set one of 'methods', 'hosts', 'headers', 'paths', 'snis' when 'protocols' is 'https'"
    );
    assert_eq!(
        violation(json!({ "protocols": ["http"], "paths": [] })).await,
        "must set one of 'methods', 'hosts', 'headers', 'paths' when 'protocols' is 'http'"
    );
    assert_eq!(
        violation(json!({ "protocols": ["grpc"], "strip_path": false })).await,
        "must set one of 'hosts', 'headers', 'paths' when 'protocols' is 'grpc'"
    );
    assert_eq!(
        violation(json!({ "protocols": ["http"], "paths": ["/"], "snis": ["a.example"] })).await,
        "'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls' or 'tls_passthrough'"
    );
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_place() {
    let gateway = with_service().await;
    for (mistake, field, wanted) in [
        (
            json!({ "paths": ["/a", "b"] }),
            "paths",
            json!([null, "should start with: / (fixed path) or ~/ (regex path)"]),
        ),
        (json!({ "paths": ["/a//b"] }), "paths", json!(["must not have empty segments"])),
        (
            json!({ "paths": ["/a/../b"] }),
            "paths",
            json!(["non-normalized path, consider use '/b' instead"]),
        ),
        (json!({ "paths": { "a": 1 } }), "paths", json!("expected an array")),
        (json!({ "paths": [1] }), "paths", json!(["expected a string"])),
        (json!({ "paths": [null] }), "paths", json!(["required field missing"])),
        (
            json!({ "hosts": ["a*b.example"] }),
            "hosts",
            json!(["invalid wildcard: must be placed at leftmost or rightmost label"]),
        ),
        (
            json!({ "hosts": ["*.*.example"] }),
            "hosts",
            json!(["invalid wildcard: must have at most one wildcard"]),
        ),
        (json!({ "methods": ["get"] }), "methods", json!(["invalid value: get"])),
        (json!({ "protocols": [] }), "protocols", json!("length must be at least 1")),
        (
            json!({ "protocols": ["ftp"] }),
            "protocols",
            json!(["expected one of: grpc, grpcs, http, https, tcp, tls, tls_passthrough, udp"]),
        ),
        (
            json!({ "protocols": ["http", "grpc"] }),
            "protocols",
            json!("these sets are mutually exclusive: ('http', 'https'), ('grpc', 'grpcs')"),
        ),
        (
            json!({ "https_redirect_status_code": 404 }),
            "https_redirect_status_code",
            json!("expected one of: 426, 301, 302, 307, 308"),
        ),
        (json!({ "path_handling": "v2" }), "path_handling", json!("expected one of: v0, v1")),
        (
            json!({ "headers": { "Host": ["a"] } }),
            "headers",
            json!("cannot contain 'host' header, which must be specified in the 'hosts' attribute"),
        ),
        (json!({ "headers": { "x-a": "b" } }), "headers", json!("expected an array")),
        (
            json!({ "sources": [{ "ip": "10.0.0.1" }] }),
            "sources",
            json!("cannot set 'sources' when 'protocols' is 'http' or 'https'"),
        ),
        (
            json!({ "service": { "id": "shop" } }),
            "service",
            json!({ "id": "expected a valid UUID" }),
        ),
        (json!({ "service": {} }), "service", json!({ "id": "missing primary key" })),
    ] {
        let mut route = json!({ "paths": ["/"] });
        route.as_object_mut().unwrap().extend(mistake.as_object().unwrap().clone());
        let reply = gateway.post("/routes", &route).await;
        assert_eq!(reply.status, 400, "{mistake}");
        assert_eq!(reply.json()["fields"][field], wanted, "{mistake}");
    }
}

#[tokio::test]
async fn an_expression_that_is_none_is_refused() {
    let gateway = with_service().await;
    let reply = gateway.post("/routes", &json!({ "paths": ["~/a(b"] })).await;
    assert_eq!(reply.status, 400);
    let error = reply.json()["fields"]["paths"][0].as_str().unwrap().to_owned();
    assert!(error.starts_with("invalid regex: '/a(b' (unclosed group"), "{error}");
    let reply = gateway.post("/routes", &json!({ "paths": [r"~/a/(?<id>\d+)$"] })).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
}

#[tokio::test]
async fn the_service_of_a_route_must_be_there() {
    let gateway = with_service().await;
    let reply = gateway.post("/routes", &json!({ "paths": ["/"], "service": { "id": ID } })).await;
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.json(),
        json!({
            "code": 4,
            "name": "foreign key violation",
            "message": format!(
                "the foreign key '{{id=\"{ID}\"}}' does not reference an existing 'services' entity."
            ),
            "fields": { "service": { "id": ID } },
        })
    );
    let route = json!({ "paths": ["/"], "service": { "name": "stock" } });
    let reply = gateway.post("/routes", &route).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["code"], 13);
    assert_eq!(
        reply.json()["message"],
        "foreign key unresolved (service.name: the foreign key cannot be resolved with \
         '{name=\"stock\"}' for an existing 'services' entity)"
    );
    assert_eq!(
        gateway.post("/services/stock/routes", &json!({ "paths": ["/"] })).await.status,
        404
    );
}

#[tokio::test]
async fn the_service_of_a_route_is_named_by_id_or_name() {
    let gateway = with_service().await;
    let service = gateway.admin("/services/shop").send().await.json();
    let id = service["id"].as_str().unwrap();
    for (name, value) in [("service.name", "shop"), ("service.id", id)] {
        let route = gateway.form("/routes", &[("paths", "/a"), (name, value)]).await;
        assert_eq!(route.status, 201, "{}", route.text());
        assert_eq!(route.json()["service"], json!({ "id": id }));
    }
    let free = gateway.form("/routes", &[("paths", "/a")]).await.json();
    assert_eq!(free["service"], Value::Null);
}

#[tokio::test]
async fn forms_say_lists_in_many_ways() {
    let gateway = with_service().await;
    for form in [
        &[("paths[]", "/a"), ("paths[]", "/b")][..],
        &[("paths[1]", "/a"), ("paths[2]", "/b")],
        &[("paths", "/a"), ("paths", "/b")],
        &[("paths", "/a,/b")],
        &[("paths", "/a, /b")],
    ] {
        let route = gateway.form("/services/shop/routes", form).await;
        assert_eq!(route.status, 201, "{form:?}: {}", route.text());
        assert_eq!(route.json()["paths"], json!(["/a", "/b"]), "{form:?}");
    }
    let route = gateway.form("/services/shop/routes", &[("paths", r"/a\,b")]).await.json();
    assert_eq!(route["paths"], json!(["/a,b"]));
    let route = gateway.form("/services/shop/routes", &[("paths[]", "/a,b")]).await.json();
    assert_eq!(route["paths"], json!(["/a,b"]));
    let form = [("headers.x-version[]", "v1"), ("headers.x-version[]", "v2"), ("hosts", "")];
    let route = gateway.form("/services/shop/routes", &form).await.json();
    assert_eq!(route["headers"], json!({ "x-version": ["v1", "v2"] }));
    assert_eq!(route["hosts"], Value::Null);
}

#[tokio::test]
async fn routes_are_found_by_their_service_and_it_by_them() {
    let gateway = with_service().await;
    gateway.post("/services", &json!({ "name": "other", "host": "other.example" })).await;
    let route = json!({ "name": "r", "paths": ["/"] });
    let route = gateway.post("/services/shop/routes", &route).await.json();
    let get = async |path: &str| {
        let reply = gateway.admin(path).send().await;
        (reply.status.as_u16(), reply.json())
    };
    assert_eq!(get("/services/shop/routes/r").await, (200, route.clone()));
    assert_eq!(get("/services/shop/routes").await.1["data"], json!([route]));
    assert_eq!(get("/services/other/routes").await.1["data"], json!([]));
    assert_eq!(get("/services/other/routes/r").await.0, 404);
    assert_eq!(get("/routes/r/service").await.1["name"], "shop");
    let reply = gateway.send(Method::PATCH, "/routes/r/service", &json!({ "retries": 1 })).await;
    assert_eq!(reply.json()["retries"], 1);
    let reply = gateway.send(Method::DELETE, "/routes/r/service", &json!({})).await;
    assert_eq!(reply.status, 405);
    let put = json!({ "paths": ["/b"] });
    let reply = gateway.send(Method::PUT, "/services/other/routes/r", &put).await;
    assert_eq!(reply.status, 200);
    assert_eq!(get("/routes/r/service").await.1["name"], "other");
    let patch = json!({ "tags": ["a"] });
    let reply = gateway.send(Method::PATCH, "/services/other/routes/r", &patch).await;
    assert_eq!(reply.json()["tags"], json!(["a"]));
    let reply = gateway.send(Method::PATCH, "/services/shop/routes/r", &patch).await;
    assert_eq!(reply.status, 404);
    let reply = gateway.admin_call(Method::DELETE, "/services/shop/routes/r").send().await;
    assert_eq!(reply.status, 404);
    let reply = gateway.admin_call(Method::DELETE, "/services/other/routes/r").send().await;
    assert_eq!(reply.status, 204);
    assert_eq!(get("/routes/r").await.0, 404);
}

#[tokio::test]
async fn a_route_without_a_service_is_given_one() {
    let gateway = with_service().await;
    gateway.post("/routes", &json!({ "name": "r", "paths": ["/"] })).await;
    assert_eq!(gateway.admin("/routes/r/service").send().await.status, 404);
    let service = json!({ "host": "new.example" });
    let reply = gateway.send(Method::PUT, "/routes/r/service", &service).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let service = gateway.admin("/routes/r/service").send().await.json();
    assert_eq!(service["host"], "new.example");
}
