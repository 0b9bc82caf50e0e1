//! What becomes of requests on their way to the service.

use http::Method;
use serde_json::json;

use super::{before_echo, plugin, start};
use crate::support::echo_upstream;

#[tokio::test]
async fn headers_are_renamed_split_and_hidden() {
    let gateway = before_echo("header-rewrite").await;
    let call = gateway.get("/").header("accept-language", "de-AT,en;q=0.5");
    let seen = call.header("x-legacy-tenant", "acme").send().await.json();
    let headers = &seen["headers"];
    assert_eq!((&headers["x-language"], &headers["x-tenant"]), (&json!("de"), &json!("acme")));
    assert!(headers.get("x-legacy-tenant").is_none());
    assert_eq!(headers["x-hop"], "gateway");
}

#[tokio::test]
async fn the_query_is_cleaned() {
    let gateway = before_echo("query-rewrite").await;
    let asked = async |query: &str| {
        let seen = gateway.get(query).send().await.json();
        let uri = seen["uri"].as_str().unwrap().to_owned();
        let (_, query) = uri.split_once('?').unwrap();
        let mut arguments: Vec<_> = query.split('&').map(str::to_owned).collect();
        arguments.sort();
        arguments.join("&")
    };
    assert_eq!(asked("/?limit=5000&search=lua&utm_source=mail").await, "limit=100&q=lua");
    assert_eq!(asked("/?q=a%20b&limit=no").await, "limit=20&q=a%20b");
}

#[tokio::test]
async fn the_path_is_made_of_what_the_route_has_captured() {
    let route = r"~/v(?<version>\d+)/users/(?<user>\d+)/(?<what>\w+)";
    let gateway = start(plugin("path-captures", &[]), echo_upstream().await, route).serving();
    let seen = gateway.get("/v1/users/7/orders").send().await.json();
    assert_eq!(seen["uri"], "/orders?user=7");
    assert_eq!(seen["headers"]["x-api-version"], "1");
    assert_eq!(gateway.get("/v1/users/ada/orders").send().await.status, 404);
}

#[tokio::test]
async fn regular_expressions_send_requests_elsewhere() {
    let gateway = before_echo("regex-routing").await;
    for (asked, got) in [
        ("/shop/42-red-shoes", "/products/42"),
        ("/shop/42", "/products/42"),
        ("/blog/2026/11/hello-lua", "/posts/hello-lua?year=2026&month=11"),
        ("/blog/2026/11/", "/blog/2026/11/"),
    ] {
        assert_eq!(gateway.get(asked).send().await.json()["uri"], got, "{asked}");
    }
}

#[tokio::test]
async fn old_addresses_lead_to_new_ones() {
    let gateway = before_echo("legacy-redirects").await;
    for (asked, status, location) in [
        ("/about.php", 301, "/about"),
        ("/index.html", 301, "/"),
        ("/old/a/b.html", 308, "/new/a/b.html"),
    ] {
        let reply = gateway.get(asked).send().await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("location")),
            (status, location),
            "{asked}"
        );
    }
    assert_eq!(gateway.get("/about").send().await.status, 200);
}

#[tokio::test]
async fn a_header_says_the_method() {
    let gateway = before_echo("method-override").await;
    let call = |method| gateway.call(method, "/").header("x-http-method-override", "patch");
    let seen = call(Method::POST).body("x").send().await.json();
    assert_eq!((&seen["method"], &seen["body"]), (&json!("PATCH"), &json!("x")));
    assert!(seen["headers"].get("x-http-method-override").is_none());
    assert_eq!(call(Method::GET).send().await.json()["method"], "GET");
}

#[tokio::test]
async fn json_is_changed_on_its_way() {
    let gateway = before_echo("json-request").await;
    let post = |body: &str| {
        let call = gateway.call(Method::POST, "/").header("content-type", "application/json");
        call.body(body.to_owned())
    };
    let seen = post(r#"{"item":"lua","internal":true,"tags":[]}"#).send().await.json();
    let body: serde_json::Value = serde_json::from_str(seen["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["item"], "lua");
    assert_eq!(body["tags"], json!([]));
    assert!(body["received"].as_u64().is_some() && body.get("internal").is_none());
    assert_eq!(seen["headers"]["content-length"], seen["body"].as_str().unwrap().len().to_string());

    let reply = post("{").send().await;
    assert_eq!((reply.status.as_u16(), &*reply.text()), (400, r#"{"message":"JSON is expected"}"#));
}

#[tokio::test]
async fn a_form_becomes_json() {
    let gateway = before_echo("form-to-json").await;
    let call = gateway.call(Method::POST, "/");
    let call = call.header("content-type", "application/x-www-form-urlencoded");
    let seen = call.body("name=Ada%20L&tag=a&tag=b").send().await.json();
    let body: serde_json::Value = serde_json::from_str(seen["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, json!({ "name": "Ada L", "tag": ["a", "b"] }));
    assert_eq!(seen["headers"]["content-type"], "application/json");
}

#[tokio::test]
async fn a_body_is_checked_before_the_service_sees_it() {
    let gateway = before_echo("validate-body").await;
    let post = async |body: String| {
        let call = gateway.call(Method::POST, "/").header("content-type", "application/json");
        let reply = call.body(body).send().await;
        (reply.status.as_u16(), reply.json())
    };
    assert_eq!(post(r#"{"item":"lua","count":2}"#.to_owned()).await.0, 200);
    let (status, problem) = post(r#"{"item":"","count":1.5}"#.to_owned()).await;
    assert_eq!(status, 422);
    let errors = json!(["item: a name is needed", "count: a whole number is needed"]);
    assert_eq!(problem["errors"], errors);
    assert_eq!(post("nonsense".to_owned()).await.0, 400);
    assert_eq!(post(" ".repeat(1001)).await.0, 413);
}

#[tokio::test]
async fn what_is_not_read_only_is_refused() {
    let gateway = before_echo("allow-methods").await;
    let reply = gateway.call(Method::DELETE, "/").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("allow")), (405, "GET, HEAD, OPTIONS"));
    assert_eq!(reply.json()["message"], "Read only");
    assert_eq!(gateway.get("/").send().await.status, 200);
}

#[tokio::test]
async fn functions_older_than_the_pdk_work() {
    let gateway = before_echo("upstream-uri").await;
    let reply = gateway.get("/a/b?source=mail").send().await;
    assert_eq!(reply.header("x-seen"), "GET http");
    let seen = reply.json();
    assert_eq!(seen["uri"], "/legacy/a/b?from=mail");
    assert_eq!(seen["headers"]["x-original-uri"], "/a/b?source=mail");
    assert_eq!(seen["headers"]["x-forwarded-for"], "192.0.2.1");
}
