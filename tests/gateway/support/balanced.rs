//! Several services that are targets of one upstream.

use std::net::SocketAddr;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::any;
use serde_json::{Value, json};

use super::upstream::serve;

/// A service that answers with `name`, and tells in `x-host` what host it was asked for.
pub async fn named(name: &'static str) -> SocketAddr {
    let answer = move |headers: HeaderMap| async move {
        let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
        ([("x-host", host.to_owned())], name)
    };
    serve(Router::new().fallback(any(answer))).await
}

/// A file whose service `shop` is the upstream `shop.upstream`, with the fields `upstream` and these
/// targets, each with its weight.
pub fn balanced(upstream: &Value, targets: &[(SocketAddr, u16)]) -> String {
    let targets = targets.iter().map(|(addr, weight)| json!({ "target": addr, "weight": weight }));
    let mut whole = json!({ "name": "shop.upstream", "targets": targets.collect::<Vec<_>>() });
    whole.as_object_mut().unwrap().extend(upstream.as_object().unwrap().clone());
    json!({
        "_format_version": "3.0",
        "upstreams": [whole],
        "services": [{
            "name": "shop",
            "host": "shop.upstream",
            "routes": [{ "name": "all", "paths": ["/"] }],
        }],
    })
    .to_string()
}
