//! The Admin API: for now, what the gateway is and how it does.

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tower_lua::Runtime;

/// The Admin API as a service.
pub(crate) fn service(runtime: Runtime) -> Router {
    Router::new()
        .route("/", get(about))
        .route("/status", get(move || async move { status(&runtime) }))
        .fallback(|| async {
            (axum::http::StatusCode::NOT_FOUND, Json(json!({ "message": "Not found" })))
        })
}

async fn about() -> Json<Value> {
    Json(json!({
        "tagline": "tower-lua gateway",
        "version": env!("CARGO_PKG_VERSION"),
        "plugins": { "enabled_in_cluster": ["pre-function", "post-function"] },
    }))
}

fn status(runtime: &Runtime) -> Json<Value> {
    let stats = runtime.stats();
    Json(json!({
        "lua": {
            "vms": stats.vms,
            "suspended": stats.suspended,
            "used_memory": stats.used_memory,
        },
    }))
}
