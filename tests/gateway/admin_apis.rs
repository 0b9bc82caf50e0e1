//! APIs, which Kong 0.x had where there are services and routes now.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Gateway, echo_upstream};

#[tokio::test]
async fn an_api_has_kongs_fields_and_defaults() {
    let gateway = Gateway::empty();
    let form =
        [("name", "shop"), ("upstream_url", "http://shop.example/base"), ("uris", "/shop, /store")];
    let reply = gateway.form("/apis", &form).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let api = reply.json();
    let wanted = json!({
        "name": "shop", "upstream_url": "http://shop.example/base", "uris": ["/shop", "/store"],
        "hosts": null, "methods": null, "strip_uri": true, "preserve_host": false,
        "https_only": false, "http_if_terminated": false, "retries": 5,
        "upstream_connect_timeout": 60000, "upstream_send_timeout": 60000,
        "upstream_read_timeout": 60000, "tags": null,
        "id": api["id"], "created_at": api["created_at"], "updated_at": api["created_at"],
    });
    assert_eq!(api, wanted);
    assert_eq!(gateway.admin("/apis/shop").send().await.json(), api);
}

#[tokio::test]
async fn an_api_forwards_requests() {
    let gateway = Gateway::empty();
    let upstream_url = format!("http://{}/base", echo_upstream().await);
    let api = json!({ "name": "shop", "upstream_url": upstream_url, "uris": "/shop" });
    assert_eq!(gateway.post("/apis", &api).await.status, 201);
    assert_eq!(gateway.get("/shop/a?b=c").send().await.json()["uri"], "/base/a?b=c");
    gateway.send(Method::PATCH, "/apis/shop", &json!({ "strip_uri": false })).await;
    assert_eq!(gateway.get("/shop/a").send().await.json()["uri"], "/base/shop/a");
    gateway.send(Method::PATCH, "/apis/shop", &json!({ "hosts": "other.example" })).await;
    assert_eq!(gateway.get("/shop").send().await.status, 404);
    assert_eq!(gateway.get("/shop").header("host", "other.example").send().await.status, 200);
    gateway.admin_call(Method::DELETE, "/apis/shop").send().await;
    assert_eq!(gateway.get("/shop").header("host", "other.example").send().await.status, 404);
}

#[tokio::test]
async fn functions_are_put_on_an_api() {
    let gateway = Gateway::empty();
    let api = json!({ "name": "shop", "upstream_url": "http://127.0.0.1:1", "uris": "/shop" });
    let api = gateway.post("/apis", &api).await.json();
    let form = [
        ("name", "pre-function"),
        ("config.functions", r"return kong.response.exit(200\, 'from a function')"),
    ];
    let plugin = gateway.form("/apis/shop/plugins", &form).await;
    assert_eq!(plugin.status, 201, "{}", plugin.text());
    assert_eq!(plugin.json()["api_id"], api["id"]);
    assert_eq!(gateway.get("/shop").send().await.text(), "from a function");
    assert_eq!(gateway.form("/apis/shop/plugins", &form).await.status, 409);
    let list = gateway.admin("/apis/shop/plugins").send().await.json();
    assert_eq!(list["data"][0]["id"], plugin.json()["id"]);
    let id = plugin.json()["id"].as_str().unwrap().to_owned();
    let api_of_it = gateway.admin(&format!("/plugins/{id}/api")).send().await.json();
    assert_eq!(api_of_it["name"], "shop");
    gateway.admin_call(Method::DELETE, "/apis/shop").send().await;
    assert_eq!(gateway.admin("/plugins").send().await.json()["data"], json!([]));
}

#[tokio::test]
async fn what_is_wrong_with_an_api_is_told() {
    let gateway = Gateway::empty();
    for (mistake, field, wanted) in [
        (json!({ "name": null }), "name", json!("required field missing")),
        (json!({ "upstream_url": "shop" }), "upstream_url", json!("upstream_url is not a url")),
        (
            json!({ "upstream_url": "ftp://shop.example" }),
            "upstream_url",
            json!("Supported protocols are HTTP and HTTPS"),
        ),
        (
            json!({ "uris": Value::Null }),
            "@entity",
            json!(["at least one of these fields must be non-empty: 'uris', 'hosts', 'methods'"]),
        ),
    ] {
        let mut api = json!({ "name": "shop", "upstream_url": "http://a.example", "uris": "/a" });
        api.as_object_mut().unwrap().extend(mistake.as_object().unwrap().clone());
        let reply = gateway.post("/apis", &api).await;
        assert_eq!(reply.status, 400, "{mistake}");
        assert_eq!(reply.json()["fields"][field], wanted, "{mistake}");
    }
}
