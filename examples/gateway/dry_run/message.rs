//! Messages of HTTP as they are told.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value};

/// How much of a body is told, in bytes.
const MAX_BODY: usize = 64 << 10;

/// Headers by their names: several of one name are an array.
pub(super) fn headers(headers: &HeaderMap) -> Value {
    let mut object = Map::new();
    for name in headers.keys() {
        let values = headers.get_all(name).iter();
        let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into());
        let mut values: Vec<Value> = values.collect();
        let value = if values.len() == 1 { values.remove(0) } else { values.into() };
        object.insert(name.to_string(), value);
    }
    object.into()
}

/// A body as a text, or as much of it as is told.
pub(super) fn body(body: &Bytes) -> String {
    String::from_utf8_lossy(&body[..body.len().min(MAX_BODY)]).into_owned()
}
