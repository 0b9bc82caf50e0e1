//! Where bodies end: what the headers say of it must be so, whatever functions have set.

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Version, request, response};
use http_body::SizeHint;

use crate::transaction::{Framing, Request};

/// Says how long the body of a request is where a function has said otherwise.
pub(super) fn correct_request(head: &mut request::Parts, body: &SizeHint) {
    let headers = &head.headers;
    let right = match body.exact() {
        Some(0) => length_of(headers).is_none_or(|length| length == 0),
        Some(length) => length_of(headers) == Some(length),
        None => !headers.contains_key(CONTENT_LENGTH),
    };
    if !right {
        warn("request");
    }
    measure_request(head, body);
}

/// Says how long the body of a request is.
pub(super) fn measure_request(head: &mut request::Parts, body: &SizeHint) {
    let headers = &mut head.headers;
    let is_chunked = body.exact().is_none() && head.version == Version::HTTP_11;
    headers.remove(TRANSFER_ENCODING);
    match body.exact() {
        Some(0) if !headers.contains_key(CONTENT_LENGTH) => {}
        Some(length) => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        None => {
            headers.remove(CONTENT_LENGTH);
        }
    }
    if is_chunked {
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// Says how long the body of a response is where a function has said otherwise.
///
// Kong: sends what the function said, and the client loses its place in the connection.
pub(super) fn correct_response(head: &mut response::Parts, body: &SizeHint, by_function: bool) {
    let Some(said) = head.headers.get(CONTENT_LENGTH) else { return };
    match body.exact() {
        Some(length) if parsed(said) != Some(length) => {
            warn("response");
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        None if by_function => {
            warn("response");
            head.headers.remove(CONTENT_LENGTH);
        }
        _ => {}
    }
}

/// How a response tells its end, if its version of HTTP leaves a choice.
pub(super) fn of_response(
    request: &Request,
    head: &response::Parts,
    body: &SizeHint,
    silent: bool,
) -> Option<Framing> {
    if request.version() >= Version::HTTP_2 {
        return None;
    }
    let length = length_of(&head.headers).or_else(|| body.exact().filter(|_| !silent));
    let is_chunked = length.is_none() && !silent && request.version() == Version::HTTP_11;
    let ends_by_close = length.is_none() && !silent && !is_chunked;
    let closes = head.headers.get(CONNECTION).is_some_and(|value| value == "close");
    let lives_on = request.keeps_alive() && !closes && !ends_by_close;
    Some(Framing { connection: if lives_on { "keep-alive" } else { "close" }, length, is_chunked })
}

fn length_of(headers: &HeaderMap) -> Option<u64> {
    parsed(headers.get(CONTENT_LENGTH)?)
}

fn parsed(length: &HeaderValue) -> Option<u64> {
    length.to_str().ok()?.parse().ok()
}

fn warn(message: &str) {
    tracing::warn!(
        target: "tower_lua::function",
        "a function has set framing headers of the {message} that are not its body's: corrected"
    );
}
