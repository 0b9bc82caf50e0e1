//! What the gateway answers where no service does.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode, Version};
use http_body_util::{BodyExt, Full, LengthLimitError};
use tower_lua::{DefaultResponseForError, RequestId, ResponseSource};

use super::connect::ConnectError;
use super::exchange::Failure;
use crate::in_force::plugins::Body;
use crate::request::flight::Refusal;
use crate::request::plugins::{EXCEEDED, message};

pub(super) fn no_route() -> Response<Body> {
    message(StatusCode::NOT_FOUND, "no Route matched with those values")
}

/// A route without a service, and no plugin has answered.
pub(super) fn no_service() -> Response<Body> {
    message(StatusCode::SERVICE_UNAVAILABLE, "no Service found with those values")
}

/// The answer to a request that has come in the wrong way for its route.
pub(super) fn refusal(refusal: &Refusal) -> Response<Body> {
    match refusal {
        Refusal::NeedsHttps => upgrade("Please use HTTPS protocol", "TLS/1.2, HTTP/1.1"),
        Refusal::NeedsHttp2 => upgrade("Please use HTTP2 protocol", "HTTP/2"),
        Refusal::NeedsGrpc => {
            message(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Non-gRPC request matched gRPC route")
        }
        Refusal::Redirect { status, location } => {
            let mut response = Response::new(Body::default());
            *response.status_mut() = *status;
            if let Ok(location) = HeaderValue::from_str(location) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            response
        }
    }
}

fn upgrade(text: &str, protocol: &'static str) -> Response<Body> {
    let mut response = message(StatusCode::UPGRADE_REQUIRED, text);
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static(protocol));
    response
}

/// The answer where the service did not give one.
pub(super) fn failure(failure: &Failure, asked: &HeaderMap, id: &HeaderValue) -> Response<Body> {
    let mut page = page(failure, asked, id);
    page.extensions_mut().insert(ResponseSource::Error);
    page
}

fn page(failure: &Failure, asked: &HeaderMap, id: &HeaderValue) -> Response<Body> {
    let status = match failure {
        Failure::Connect(ConnectError::Name(_)) => {
            return message(StatusCode::SERVICE_UNAVAILABLE, "name resolution failed");
        }
        Failure::NowhereElse => {
            let text = "failure to get a peer from retry handler";
            return message(StatusCode::SERVICE_UNAVAILABLE, text);
        }
        // `request-size-limiting` has let go of a body whose length nobody said.
        Failure::Broken(error) if is_too_large(error) => {
            return message(StatusCode::PAYLOAD_TOO_LARGE, EXCEEDED);
        }
        Failure::TimedOut | Failure::Connect(ConnectError::TimedOut) => StatusCode::GATEWAY_TIMEOUT,
        Failure::ClientTimedOut => StatusCode::REQUEST_TIMEOUT,
        Failure::Connect(ConnectError::Failed(_))
        | Failure::Broken(_)
        | Failure::Unsound
        | Failure::Invalid => StatusCode::BAD_GATEWAY,
    };
    let id = RequestId::new(id.to_str().unwrap_or_default());
    let page = DefaultResponseForError.response_for_status(status, asked, &id);
    page.map(|body: Bytes| Full::new(body).map_err(|never| match never {}).boxed_unsync())
}

/// The headers of a request that say how it is to be answered: few enough to be kept until then.
pub(super) fn wishes(head: &Parts) -> HeaderMap {
    let mut wishes = HeaderMap::new();
    let is_grpc = |value: &HeaderValue| value.as_bytes().starts_with(b"application/grpc");
    let content_type = head.headers.get(header::CONTENT_TYPE);
    let content_type =
        content_type.filter(|_| head.version == Version::HTTP_2).filter(|v| is_grpc(v));
    for (name, value) in
        [(header::ACCEPT, head.headers.get(header::ACCEPT)), (header::CONTENT_TYPE, content_type)]
    {
        if let Some(value) = value {
            wishes.insert(name, value.clone());
        }
    }
    wishes
}

fn is_too_large(error: &hyper::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.is::<LengthLimitError>() {
            return true;
        }
        source = error.source();
    }
    false
}
