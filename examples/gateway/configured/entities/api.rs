//! What an API of Kong 0.x is since: a service and a route.

use serde_json::{Value, json};

use super::url::url_fields;
use crate::configured::schema::{Object, at};

/// The service and the route that an API is made of. Both have its id.
pub(super) fn service_and_route(api: &Object) -> (Object, Object) {
    let get = |name: &str| api.get(name).cloned().unwrap_or_default();
    let url = api.get("upstream_url").and_then(Value::as_str).unwrap_or_default();
    let mut service = url_fields(url).unwrap_or_default();
    let https_only = api.get("https_only") == Some(&Value::Bool(true));
    let protocols = if https_only { json!(["https"]) } else { json!(["http", "https"]) };
    let paths = at(api, "uris")
        .and_then(Value::as_array)
        .map(|uris| uris.iter().filter_map(Value::as_str).map(router_path).collect::<Vec<_>>());
    let fields = |pairs: &[(&str, Value)]| -> Object {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    };
    service.extend(fields(&[
        ("id", get("id")),
        ("name", get("name")),
        ("retries", get("retries")),
        ("connect_timeout", get("upstream_connect_timeout")),
        ("write_timeout", get("upstream_send_timeout")),
        ("read_timeout", get("upstream_read_timeout")),
        ("tags", get("tags")),
        ("enabled", true.into()),
    ]));
    let route = fields(&[
        ("id", get("id")),
        ("name", get("name")),
        ("service", json!({ "id": get("id") })),
        ("protocols", protocols),
        ("methods", get("methods")),
        ("hosts", get("hosts")),
        ("paths", json!(paths)),
        ("regex_priority", 0.into()),
        ("strip_path", get("strip_uri")),
        ("path_handling", "v0".into()),
        ("preserve_host", get("preserve_host")),
        ("https_redirect_status_code", 426.into()),
        ("request_buffering", true.into()),
        ("response_buffering", true.into()),
        ("created_at", get("created_at")),
        ("tags", get("tags")),
    ]);
    (service, route)
}

/// A path as routes have it: expressions of Kong 0.x have no sign.
fn router_path(uri: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_~/%".contains(c);
    if uri.chars().all(plain) { uri.to_owned() } else { format!("~{uri}") }
}
