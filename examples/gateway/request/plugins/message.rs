//! Answers of plugins, and of the gateway itself.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::json;
use tower_lua::ResponseSource;

use super::Body;

/// A JSON object with a message.
pub(crate) fn message(status: StatusCode, text: &str) -> Response<Body> {
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    answer(status, json, json!({ "message": text }).to_string())
}

pub(super) fn answer(
    status: StatusCode,
    content_type: HeaderValue,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let body = Full::new(body.into()).map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response.extensions_mut().insert(ResponseSource::Exit);
    response
}
