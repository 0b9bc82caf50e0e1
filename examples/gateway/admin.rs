//! The Admin API: for now, what the gateway is and how it does.

use std::sync::Arc;

use axum::body::Body;
use axum::routing::get;
use axum::{Json, Router};
use http::Request;
use http::header::CONTENT_TYPE;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tower::{Service, ServiceExt};
use tower_lua::Runtime;

use crate::metrics::Metrics;
use crate::record::Counters;

/// The Admin API as a service.
pub(crate) fn service(
    runtime: Runtime,
    counters: Arc<Counters>,
    metrics: Arc<Metrics>,
) -> impl Service<
    Request<Incoming>,
    Response = http::Response<Body>,
    Error = std::convert::Infallible,
    Future: Send,
> + Clone
+ Send
+ 'static {
    let (for_metrics, counted) = (runtime.clone(), Arc::clone(&counters));
    let render = move || async move {
        let text = metrics.render(&counted, &for_metrics);
        ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
    };
    Router::new()
        .route("/", get(about))
        .route("/status", get(move || async move { status(&runtime, &counters) }))
        .route("/metrics", get(render))
        .fallback(|| async {
            (axum::http::StatusCode::NOT_FOUND, Json(json!({ "message": "Not found" })))
        })
        .map_request(|request: Request<Incoming>| request.map(Body::new))
}

async fn about() -> Json<Value> {
    Json(json!({
        "tagline": "tower-lua gateway",
        "version": env!("CARGO_PKG_VERSION"),
        "plugins": { "enabled_in_cluster": ["pre-function", "post-function"] },
    }))
}

fn status(runtime: &Runtime, counters: &Counters) -> Json<Value> {
    let stats = runtime.stats();
    let [accepted, active, requests] = counters.read();
    Json(json!({
        "server": {
            "connections_accepted": accepted,
            "connections_handled": accepted,
            "connections_active": active,
            "total_requests": requests,
        },
        "lua": {
            "vms": stats.vms,
            "suspended": stats.suspended,
            "used_memory": stats.used_memory,
        },
    }))
}
