//! What is told of requests.

use axum::Router;
use axum::routing::any;

use super::{before, before_echo};
use crate::support::serve;

#[tokio::test]
async fn a_request_has_an_id_for_all() {
    let gateway = before_echo("request-id").await;
    let reply = gateway.get("/").send().await;
    let id = reply.header("x-request-id").to_owned();
    assert_eq!(id.len(), 32);
    assert_eq!(reply.json()["headers"]["x-request-id"], id);

    let reply = gateway.get("/").header("x-request-id", "client-1").send().await;
    assert_eq!(reply.header("x-request-id"), "client-1");
    let reply = gateway.get("/").header("x-request-id", "no id at all").send().await;
    assert_eq!(reply.header("x-request-id").len(), 32);
}

#[tokio::test]
async fn each_request_is_a_line_of_json() {
    let gateway = before_echo("access-log").await;
    gateway.get("/orders?id=7").header("x-tenant", "acme").send().await;
    let line = gateway.logged("access {");
    let json = &line[line.find("access {").unwrap() + "access ".len()..];
    let json = &json[..=json.rfind('}').unwrap()];
    let entry: serde_json::Value = serde_json::from_str(json).unwrap_or_else(|_| panic!("{line}"));
    assert_eq!(
        entry,
        serde_json::json!({
            "method": "GET",
            "path": "/orders?id=7",
            "status": 200,
            "tenant": "acme",
            "service": "service",
            "latency": true,
        })
    );
}

#[tokio::test]
async fn slow_requests_are_timed_and_logged() {
    let app = Router::new().fallback(any(|| async {
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        "slow"
    }));
    let gateway = before("timing", serve(app).await);
    let reply = gateway.get("/slow").send().await;
    let duration = reply.header("server-timing").strip_prefix("gateway;dur=").unwrap().to_owned();
    assert!(duration.parse::<f64>().unwrap() >= 50.0, "{duration}");
    assert!(gateway.logged("slow: /slow").contains("WARN"));
}
