//! `response-transformer`: other headers and another JSON for the client.

mod headers;
mod json;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde::Deserialize;
use tower::{Service, ServiceExt};

use self::headers::OfHeaders;
use self::json::OfJson;
use super::message::message;
use super::whole::whole;
use super::{Around, Body, BoxError, Next, once};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    remove: Places,
    rename: Places,
    replace: Places,
    add: Places,
    append: Places,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Places {
    json: Vec<String>,
    json_types: Vec<json::Type>,
    headers: Vec<String>,
}

struct Transformation {
    headers: OfHeaders,
    json: OfJson,
}

pub(super) fn layer(config: &Config) -> Result<Arc<dyn Around>, BoxError> {
    let (headers, json) = (OfHeaders::new(config)?, OfJson::new(config));
    Ok(Arc::new(Arc::new(Transformation { headers, json })))
}

impl Around for Arc<Transformation> {
    fn around(&self, next: Next) -> Next {
        let transformation = Self::clone(self);
        once(next, async move |request: Request<Body>, mut next: Next| {
            let is_head = request.method() == Method::HEAD;
            let response = next.ready().await?.call(request).await?;
            Ok(transformation.transform(response, is_head).await)
        })
    }
}

impl Transformation {
    async fn transform(&self, mut response: Response<Body>, is_head: bool) -> Response<Body> {
        // The body's format is what the service says, as in Kong.
        let has_json = !self.json.is_empty() && is_json(response.headers());
        self.headers.transform(response.headers_mut());
        if !has_json || response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return response;
        }
        response.headers_mut().remove(CONTENT_LENGTH);
        if is_head || http_body::Body::is_end_stream(response.body()) {
            return response;
        }
        let (head, body) = response.into_parts();
        // Kong: has no limit but its memory.
        let Some(read) = whole(body, LARGEST_BODY).await else {
            tracing::error!(
                "response-transformer: the body broke off, or is larger than {LARGEST_BODY} bytes"
            );
            let text = "An invalid response was received from the upstream server";
            return message(StatusCode::BAD_GATEWAY, text);
        };
        let body = self.json.transform(&read).unwrap_or_else(|| {
            tracing::warn!(
                "response-transformer: the body is not transformed: it is no JSON object"
            );
            read
        });
        Response::from_parts(head, full(body))
    }
}

/// The largest body that is transformed, in bytes.
const LARGEST_BODY: usize = 64 << 20;

fn full(body: Bytes) -> Body {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kinds| {
        kinds.split(',').any(|kind| {
            let name = kind.split(';').next().unwrap_or_default();
            name.trim().eq_ignore_ascii_case("application/json")
        })
    })
}

/// A name and its value, if it has one.
fn split(step: &str) -> (&str, Option<&str>) {
    let (name, rest) = step.split_once(':').unwrap_or((step, ""));
    (name, Some(rest.trim_start_matches(':')).filter(|value| !value.is_empty()))
}
