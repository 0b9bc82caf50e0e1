//! Declarative files, as short as tests want them.

use std::net::SocketAddr;

use serde_json::{Value, json};

/// A file with one service at `upstream`, whose fields are those of `service`; its route `/` has
/// those of `route`.
pub fn kong_yml(upstream: SocketAddr, service: &Value, route: &Value) -> String {
    let mut whole_route = json!({ "name": "route", "paths": ["/"] });
    extend(&mut whole_route, route);
    let mut whole = json!({
        "name": "service",
        "url": format!("http://{upstream}"),
        "routes": [whole_route],
    });
    extend(&mut whole, service);
    json!({ "_format_version": "3.0", "services": [whole] }).to_string()
}

/// A file with one service at `upstream`, one route `/`, and these plugins on it: name and
/// configuration.
pub fn with_plugins(upstream: SocketAddr, plugins: &[(&str, Value)]) -> String {
    let plugins: Vec<_> =
        plugins.iter().map(|(name, config)| json!({ "name": name, "config": config })).collect();
    kong_yml(upstream, &json!({}), &json!({ "plugins": plugins }))
}

fn extend(whole: &mut Value, fields: &Value) {
    for (name, value) in fields.as_object().unwrap() {
        whole[name] = value.clone();
    }
}
