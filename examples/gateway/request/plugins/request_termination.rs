//! `request-termination`: an answer in the service's place.

use std::convert::Infallible;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tower::{Service, ServiceExt};
use tower_lua::ResponseSource;

use super::message::answer;
use super::whole::whole;
use super::{Around, Body, Next, message};
use crate::BoxError;
use crate::request::flight::Flight;

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    status_code: u16,
    message: Option<String>,
    content_type: Option<String>,
    body: Option<String>,
    echo: bool,
    trigger: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            status_code: 503,
            message: None,
            content_type: None,
            body: None,
            echo: false,
            trigger: None,
        }
    }
}

struct Termination {
    status: StatusCode,
    message: Option<String>,
    content_type: HeaderValue,
    body: Option<String>,
    echo: bool,
    trigger: Option<(HeaderName, String)>,
}

pub(super) fn layer(config: Config) -> Result<Arc<dyn Around>, BoxError> {
    let Config { status_code, message, content_type, body, echo, trigger } = config;
    let status = StatusCode::from_u16(status_code)?;
    let content_type = content_type.as_deref().unwrap_or("application/json; charset=utf-8");
    let content_type = content_type.parse()?;
    let trigger = trigger.map(|name| Ok::<_, BoxError>((name.parse()?, name))).transpose()?;
    let message = message.or_else(|| default_message(status_code).map(str::to_owned));
    Ok(Arc::new(Arc::new(Termination { status, message, content_type, body, echo, trigger })))
}

fn default_message(status: u16) -> Option<&'static str> {
    Some(match status {
        401 => "Unauthorized",
        404 => "Not found",
        405 => "Method not allowed",
        500 => "An unexpected error occurred",
        502 => "Bad Gateway",
        503 => "Service unavailable",
        _ => return None,
    })
}

impl Around for Arc<Termination> {
    fn around(&self, mut next: Next) -> Next {
        let termination = Self::clone(self);
        Next::new(
            tower::service_fn(move |request: Request<Body>| {
                let termination = Self::clone(&termination);
                let passes = !termination.is_triggered(&request);
                let (response, request) =
                    if passes { (Some(next.call(request)), None) } else { (None, Some(request)) };
                async move {
                    match (response, request) {
                        (Some(response), _) => response.await,
                        (None, Some(request)) => termination.answer(request).await,
                        (None, None) => unreachable!("the request goes one way or the other"),
                    }
                }
            })
            .boxed(),
        )
    }
}

impl Termination {
    fn is_triggered(&self, request: &Request<Body>) -> bool {
        let Some((header, name)) = &self.trigger else { return true };
        let mut arguments = request.uri().query().unwrap_or_default().split('&');
        request.headers().contains_key(header)
            || arguments.any(|argument| argument.split('=').next() == Some(name))
    }

    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, Infallible> {
        if self.echo {
            let json = HeaderValue::from_static("application/json; charset=utf-8");
            let body = self.echo(request).await.to_string();
            return Ok(answer(self.status, json, body));
        }
        if let Some(body) = &self.body {
            return Ok(answer(self.status, self.content_type.clone(), body.clone()));
        }
        Ok(match &self.message {
            Some(text) => message(self.status, text),
            None => {
                let mut response = Response::new(Body::default());
                *response.status_mut() = self.status;
                response.extensions_mut().insert(ResponseSource::Exit);
                response
            }
        })
    }

    /// What was asked, and of whom.
    async fn echo(&self, request: Request<Body>) -> Value {
        let flight = Flight::of(&request).cloned();
        let route = flight.as_ref().and_then(|flight| flight.route_in_force());
        let (head, body) = request.into_parts();
        let body = whole(body, ECHOED).await.unwrap_or_default();
        let mut headers = Map::new();
        for (name, value) in &head.headers {
            headers.insert(name.to_string(), String::from_utf8_lossy(value.as_bytes()).into());
        }
        json!({
            "message": self.message,
            "kong": { "worker_pid": std::process::id() },
            "request": {
                "method": head.method.as_str(),
                "path": head.uri.path(),
                "query": head.uri.query(),
                "headers": headers,
                "raw_body": String::from_utf8_lossy(&body),
            },
            "matched_route": route.map(|route| json!({
                "id": route.route.id,
                "name": route.route.name,
            })),
            "matched_service": route.and_then(|route| route.service()).map(|service| json!({
                "id": service.id,
                "name": service.name,
                "host": service.host,
            })),
        })
    }
}

/// How much of a body is echoed at most, in bytes.
const ECHOED: usize = 1 << 20;
