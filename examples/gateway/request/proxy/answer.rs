//! What the gateway answers where no service does.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Either, Full, LengthLimitError};
use tower_lua::{DefaultResponseForError, RequestId, ResponseSource};

use super::Answer;
use super::connect::ConnectError;
use super::exchange::{Failure, NO_PEER};
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

/// An answer of the gateway's own.
pub(super) fn own(answer: Response<Body>) -> Answer {
    answer.map(Either::Right)
}

/// The answer where the service did not give one.
pub(super) fn failure(failure: &Failure, wishes: &Wishes, id: &RequestId) -> Response<Body> {
    let mut page = page(failure, wishes, id);
    page.extensions_mut().insert(ResponseSource::Error);
    page
}

fn page(failure: &Failure, wishes: &Wishes, id: &RequestId) -> Response<Body> {
    let status = match failure {
        Failure::Connect(ConnectError::Name(_)) => {
            return message(StatusCode::SERVICE_UNAVAILABLE, "name resolution failed");
        }
        Failure::NowhereElse => {
            let text = "failure to get a peer from retry handler";
            return message(StatusCode::SERVICE_UNAVAILABLE, text);
        }
        Failure::NoPeer => return message(StatusCode::SERVICE_UNAVAILABLE, NO_PEER),
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
    let page = DefaultResponseForError.response_for_status(status, &wishes.headers(), id);
    page.map(|body: Bytes| Full::new(body).map_err(|never| match never {}).boxed_unsync())
}

/// What a request says of how it is to be answered, kept until then.
pub(super) struct Wishes {
    accept: Option<HeaderValue>,
    /// Of gRPC alone.
    content_type: Option<HeaderValue>,
}

impl Wishes {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let is_grpc = |value: &&HeaderValue| value.as_bytes().starts_with(b"application/grpc");
        let headers = request.headers();
        let may_be_grpc = request.version() == Version::HTTP_2;
        let content_type = may_be_grpc.then(|| headers.get(header::CONTENT_TYPE)).flatten();
        Self {
            accept: headers.get(header::ACCEPT).cloned(),
            content_type: content_type.filter(is_grpc).cloned(),
        }
    }

    fn headers(&self) -> HeaderMap {
        let wishes = [(header::ACCEPT, &self.accept), (header::CONTENT_TYPE, &self.content_type)];
        wishes.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }
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
