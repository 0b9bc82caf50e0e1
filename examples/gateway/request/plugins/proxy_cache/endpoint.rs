//! `/proxy-cache` of the Admin API: what is kept, to be looked at and removed.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{delete, get};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::entry::{Caches, Entry};
use crate::in_force::published::Current;

impl Caches {
    /// Paths to stand before the Admin API. `current` says which plugins there are.
    pub(crate) fn endpoint(&self, current: Current) -> Router {
        let of_plugin = get(show_of).delete(remove_of).with_state((self.clone(), current));
        Router::new()
            .route("/proxy-cache", delete(clear))
            .route("/proxy-cache/{key}", get(show).delete(remove))
            .with_state(self.clone())
            .route("/proxy-cache/{plugin}/caches/{key}", of_plugin)
    }
}

async fn clear(State(caches): State<Caches>) -> StatusCode {
    caches.clear();
    StatusCode::NO_CONTENT
}

async fn show(State(caches): State<Caches>, Path(key): Path<String>) -> Response {
    caches.get(&key).map_or_else(not_found, |entry| Json(shown(&entry)).into_response())
}

async fn remove(State(caches): State<Caches>, Path(key): Path<String>) -> Response {
    if caches.remove(&key) { StatusCode::NO_CONTENT.into_response() } else { not_found() }
}

/// The caches, and which plugins there are.
type OfPlugin = State<(Caches, Current)>;

async fn show_of(
    State((caches, current)): OfPlugin,
    Path((plugin, key)): Path<(String, String)>,
) -> Response {
    match is_cache(&current, &plugin) {
        true => show(State(caches), Path(key)).await,
        false => not_found(),
    }
}

async fn remove_of(
    State((caches, current)): OfPlugin,
    Path((plugin, key)): Path<(String, String)>,
) -> Response {
    match is_cache(&current, &plugin) {
        true => remove(State(caches), Path(key)).await,
        false => not_found(),
    }
}

fn is_cache(current: &Current, id: &str) -> bool {
    current.load().has_plugin("proxy-cache", id)
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "message": "Not found" }))).into_response()
}

fn shown(entry: &Entry) -> Value {
    let mut headers: Map<String, Value> = Map::new();
    for name in entry.headers.keys() {
        let values = entry.headers.get_all(name).iter();
        let values: Vec<_> =
            values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        let shown = if let [value] = &values[..] { json!(value) } else { json!(values) };
        headers.insert(name.to_string(), shown);
    }
    json!({
        "status": entry.status.as_u16(),
        "headers": headers,
        "body": String::from_utf8_lossy(&entry.body),
        "body_len": entry.body.len(),
        "timestamp": entry.since,
        "ttl": entry.ttl,
        "version": 1,
    })
}
