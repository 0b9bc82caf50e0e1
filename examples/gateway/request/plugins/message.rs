//! Answers of plugins, and of the gateway itself.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower_lua::{DefaultResponseForError, ResponseSource};

use super::Body;
use crate::request::flight::Flight;

/// An error with a message of the plugin's own, in the format that the client wants.
pub(super) fn refusal(request: &Request<Body>, status: StatusCode, text: &str) -> Response<Body> {
    let flight = Flight::of(request).expect("the first layer puts it there");
    let mut headers = request.headers().clone();
    if request.version() != Version::HTTP_2 {
        // Only there it can be gRPC.
        headers.remove(CONTENT_TYPE);
    }
    let errors = DefaultResponseForError;
    let page = errors.response_with_message(status, text, &headers, &flight.id);
    let mut response =
        page.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync());
    response.extensions_mut().insert(ResponseSource::Exit);
    response
}

/// An answer in JSON.
pub(super) fn exit(status: StatusCode, body: &Value) -> Response<Body> {
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    answer(status, json, body.to_string())
}

/// A JSON object with a message.
pub(crate) fn message(status: StatusCode, text: &str) -> Response<Body> {
    exit(status, &json!({ "message": text }))
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
