//! `request-size-limiting`: how large a request's body may be.

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, EXPECT};
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use serde::Deserialize;
use tower::{ServiceBuilder, ServiceExt};
use tower_http::limit::RequestBodyLimitLayer;

use super::{Around, Body, Next, message};

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    allowed_payload_size: u64,
    size_unit: Unit,
    require_content_length: bool,
}

impl Default for Config {
    fn default() -> Self {
        let (size_unit, require_content_length) = (Unit::Megabytes, false);
        Self { allowed_payload_size: 128, size_unit, require_content_length }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Megabytes,
    Kilobytes,
    Bytes,
}

#[derive(Clone, Copy)]
struct Limit {
    bytes: usize,
    require_content_length: bool,
}

pub(super) fn layer(config: &Config) -> Arc<dyn Around> {
    let factor = match config.size_unit {
        Unit::Megabytes => 1 << 20,
        Unit::Kilobytes => 1 << 10,
        Unit::Bytes => 1,
    };
    let bytes = config.allowed_payload_size.saturating_mul(factor);
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    Arc::new(Limit { bytes, require_content_length: config.require_content_length })
}

/// The words for a body that is too large, at once or in the end.
pub(crate) const EXCEEDED: &str = "Request size limit exceeded";

impl Limit {
    fn refusal(self, request: &Request<Body>) -> Option<Response<Body>> {
        let headers = request.headers();
        let said = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        match said.and_then(|said| said.parse::<u64>().ok()) {
            Some(length) => {
                (length > self.bytes as u64).then(|| message(too_large(headers), EXCEEDED))
            }
            None => {
                // A chunked body needs no length. In HTTP/2, each is like that.
                let streams = headers.contains_key(http::header::TRANSFER_ENCODING)
                    || request.version() == Version::HTTP_2;
                let text = "A valid Content-Length header is required";
                (self.require_content_length && !streams)
                    .then(|| message(StatusCode::LENGTH_REQUIRED, text))
            }
        }
    }
}

fn too_large(headers: &HeaderMap) -> StatusCode {
    let expects = headers.get(EXPECT).is_some_and(|expected| {
        expected.as_bytes().trim_ascii().eq_ignore_ascii_case(b"100-continue")
    });
    if expects { StatusCode::EXPECTATION_FAILED } else { StatusCode::PAYLOAD_TOO_LARGE }
}

impl Around for Limit {
    // A body of no known length is counted on its way: the gateway answers 413 when the service has
    // not answered before the limit is reached.
    //
    // Kong: reads it whole first.
    fn around(&self, next: Next) -> Next {
        let limit = *self;
        let mut limited = ServiceBuilder::new()
            .map_response(|response: Response<_>| {
                response.map(|body| BodyExt::boxed_unsync(BodyExt::map_err(body, Into::into)))
            })
            .layer(RequestBodyLimitLayer::new(self.bytes))
            .map_request(|request: Request<_>| {
                request.map(|body| BodyExt::boxed_unsync(BodyExt::map_err(body, Into::into)))
            })
            .service(next)
            .boxed();
        Next::new(tower::service_fn(move |request: Request<Body>| {
            let refusal = limit.refusal(&request);
            let response = refusal.is_none().then(|| tower::Service::call(&mut limited, request));
            async move {
                match response {
                    Some(response) => response.await,
                    None => Ok(refusal.expect("or there were a response")),
                }
            }
        }))
    }
}
