//! Whom the Admin API listens to.

use http::Method;
use serde_json::json;

use crate::support::{Call, Gateway, Start, form};

/// A form that makes a service, as any web page can send it.
fn creating(gateway: &Gateway, name: &str) -> Call {
    let call = gateway.admin_call(Method::POST, "/services");
    let call = call.header("content-type", "application/x-www-form-urlencoded");
    call.body(form(&[("name", name), ("url", "http://127.0.0.1:1")]))
}

#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let gateway = Gateway::empty();
    let own = format!("http://{}", gateway.admin);
    for (header, value, status) in [
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "http://127.0.0.1:1", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("origin", own.as_str(), 201),
        ("sec-fetch-site", "same-origin", 201),
        ("sec-fetch-site", "none", 201),
        ("user-agent", "curl/8", 201),
    ] {
        let name = format!("{header}-{}", value.replace(|c: char| !c.is_alphanumeric(), "-"));
        let reply = creating(&gateway, &name).header(header, value).send().await;
        assert_eq!(reply.status, status, "{header}: {value}");
        let there = gateway.admin(&format!("/services/{name}")).send().await.status == 200;
        assert_eq!(there, status == 201, "{header}: {value}");
        if status == 403 {
            let message = reply.json()["message"].as_str().unwrap().to_owned();
            assert!(message.contains("--admin-gui-url"), "{message}");
        }
    }
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let call = gateway.admin_call(method, "/services/user-agent-curl-8");
        assert_eq!(call.header("origin", "https://evil.example").send().await.status, 403);
    }
    // What changes nothing may be asked from anywhere.
    let call = gateway.admin("/services").header("origin", "https://evil.example");
    assert_eq!(call.send().await.status, 200);
}

#[tokio::test]
async fn the_operators_own_pages_may_change_things() {
    let start = Start::new().arg("--admin-gui-url").arg("http://gui.test:8002/,https://other.test");
    let gateway = start.serving();
    for (origin, status) in [
        ("http://gui.test:8002", 201),
        ("https://other.test", 201),
        ("http://gui.test", 403),
        ("https://gui.test:8002", 403),
    ] {
        let name = origin.replace(|c: char| !c.is_alphanumeric(), "-");
        let call = creating(&gateway, &name).header("origin", origin);
        assert_eq!(call.header("sec-fetch-site", "cross-site").send().await.status, status);
    }
}

#[tokio::test]
async fn browsers_come_by_no_name_that_somebody_else_can_point_here() {
    let gateway = Start::new().arg("--admin-allowed-hosts").arg("admin.test,kong").serving();
    let port = gateway.admin.port();
    for (host, is_own) in [
        ("localhost", true),
        ("127.0.0.1", true),
        ("[::1]", true),
        ("admin.test", true),
        ("KONG", true),
        ("evil.example", false),
        ("127.0.0.1.evil.example", false),
        ("localhost.evil.example", false),
    ] {
        let host = format!("{host}:{port}");
        let browser = gateway.admin("/services").header("host", &host);
        let reply = browser.header("sec-fetch-site", "same-origin").send().await;
        assert_eq!(reply.status, if is_own { 200 } else { 403 }, "{host}");
        // curl, and API clients, notice nothing.
        let curl = gateway.admin("/services").header("host", &host);
        assert_eq!(curl.send().await.status, 200, "{host}");
    }
    let metrics = gateway.admin("/metrics").header("host", "evil.example");
    assert_eq!(metrics.header("sec-fetch-mode", "cors").send().await.status, 403);
}

#[tokio::test]
async fn a_key_is_wanted_where_one_is_set() {
    let gateway = Start::new().env("KONG_ADMIN_KEY", "secret").serving();
    for (key, status) in
        [("secret", 200), ("", 401), ("s", 401), ("secretsecret", 401), ("Secret", 401)]
    {
        let call = gateway.admin("/services").header("kong-admin-token", key);
        assert_eq!(call.send().await.status, status, "{key}");
    }
    let reply = gateway.post("/services", &json!({ "url": "http://127.0.0.1:1" })).await;
    assert_eq!(reply.status, 401);
    assert!(reply.json()["message"].as_str().unwrap().contains("Kong-Admin-Token"));
    assert_eq!(gateway.admin("/metrics").send().await.status, 401);
    let preflight = gateway.admin_call(Method::OPTIONS, "/services");
    assert_eq!(preflight.send().await.status, 204);
}
