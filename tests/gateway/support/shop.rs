//! Something for plugins to be put on.

use serde_json::{Value, json};

use super::Gateway;

/// A gateway with the service `shop`, which nothing listens for, and its route `all`.
pub async fn shop() -> Gateway {
    let gateway = Gateway::empty();
    gateway.post("/services", &json!({ "name": "shop", "url": "http://127.0.0.1:1" })).await;
    gateway.post("/services/shop/routes", &json!({ "name": "all", "paths": ["/"] })).await;
    gateway
}

/// A plugin that answers all requests with `text`.
pub fn answering(text: &str) -> Value {
    json!({
        "name": "pre-function",
        "config": { "access": [format!("return kong.response.exit(200, '{text}')")] },
    })
}
