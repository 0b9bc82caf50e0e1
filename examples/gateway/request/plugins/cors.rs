//! `cors`: which other sites' scripts may call.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN};
use http::{HeaderValue, Method, Request};
use regex::Regex;
use serde::Deserialize;
use tower::{Layer, Service};
use tower_http::cors::{
    AllowHeaders, AllowMethods, AllowOrigin, AllowPrivateNetwork, Cors, CorsLayer,
};

use super::{Around, Body, Next};
use crate::BoxError;

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    origins: Vec<String>,
    headers: Vec<String>,
    exposed_headers: Vec<String>,
    methods: Vec<String>,
    max_age: Option<f64>,
    credentials: bool,
    private_network: bool,
    preflight_continue: bool,
    allow_origin_absent: bool,
}

impl Default for Config {
    fn default() -> Self {
        let methods =
            ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
        Self {
            origins: Vec::new(),
            headers: Vec::new(),
            exposed_headers: Vec::new(),
            methods: methods.map(str::to_owned).to_vec(),
            max_age: None,
            credentials: false,
            private_network: false,
            preflight_continue: false,
            allow_origin_absent: true,
        }
    }
}

struct Kong {
    layer: CorsLayer,
    preflight_continue: bool,
    allow_origin_absent: bool,
}

pub(super) fn layer(config: &Config) -> Result<Arc<dyn Around>, BoxError> {
    let names = |names: &[String]| -> Result<Vec<HeaderName>, BoxError> {
        names.iter().map(|name| Ok(name.parse()?)).collect()
    };
    let methods: Result<Vec<Method>, _> = config.methods.iter().map(|name| name.parse()).collect();
    let (origin, is_anyone) = origin(&config.origins)?;
    let mut layer = CorsLayer::new()
        .allow_methods(AllowMethods::list(methods?))
        .allow_headers(if config.headers.is_empty() {
            AllowHeaders::mirror_request()
        } else {
            AllowHeaders::list(names(&config.headers)?)
        })
        .expose_headers(names(&config.exposed_headers)?)
        .allow_credentials(config.credentials);
    layer = match (is_anyone, config.credentials) {
        // Browsers do not take `*` and credentials together.
        (true, true) => layer.allow_origin(AllowOrigin::mirror_request()).vary([ORIGIN]),
        (true, false) => layer.allow_origin(origin).vary([]),
        (false, _) => layer.allow_origin(origin).vary([ORIGIN]),
    };
    if let Some(seconds) = config.max_age {
        let age = Duration::try_from_secs_f64(seconds).map_err(|error| format!("cors: {error}"))?;
        layer = layer.max_age(age);
    }
    if config.private_network {
        layer = layer.allow_private_network(AllowPrivateNetwork::yes());
    }
    let &Config { preflight_continue, allow_origin_absent, .. } = config;
    Ok(Arc::new(Kong { layer, preflight_continue, allow_origin_absent }))
}

/// Who may call, and whether that is anyone.
fn origin(origins: &[String]) -> Result<(AllowOrigin, bool), BoxError> {
    let is_plain =
        |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b".:/-".contains(&b));
    match origins {
        [] => return Ok((AllowOrigin::any(), true)),
        [only] if is_plain(only) => return Ok((AllowOrigin::exact(only.parse()?), false)),
        some if some.iter().any(|origin| origin == "*") => return Ok((AllowOrigin::any(), true)),
        _ => {}
    }
    let mut allowed = Vec::new();
    for entry in origins {
        let by_host = !entry.contains(':');
        let pattern = if is_plain(entry) {
            regex::escape(&normalize(entry))
        } else {
            entry.trim_start_matches('^').trim_end_matches('$').to_owned()
        };
        let pattern = Regex::new(&format!("^(?:{pattern})$"));
        allowed
            .push((pattern.map_err(|error| format!("cors: origin '{entry}': {error}"))?, by_host));
    }
    let is_allowed = move |origin: &HeaderValue, _: &http::request::Parts| {
        let Ok(origin) = origin.to_str() else { return false };
        let whole = normalize(origin);
        let host = whole.split_once("://").map_or(&*whole, |(_, host)| host);
        let host = host.split(':').next().unwrap_or_default();
        allowed
            .iter()
            .any(|(pattern, by_host)| pattern.is_match(if *by_host { host } else { &whole }))
    };
    Ok((AllowOrigin::predicate(is_allowed), false))
}

/// An origin without its scheme's own port.
fn normalize(origin: &str) -> String {
    let port = match origin.split_once("://") {
        Some(("http", _)) => ":80",
        Some(("https", _)) => ":443",
        _ => return origin.to_owned(),
    };
    origin.strip_suffix(port).unwrap_or(origin).to_owned()
}

impl Around for Kong {
    fn around(&self, next: Next) -> Next {
        let (layer, preflight_continue, allow_origin_absent) =
            (self.layer.clone(), self.preflight_continue, self.allow_origin_absent);
        Next::new(Choice { cors: layer.layer(next), preflight_continue, allow_origin_absent })
    }
}

/// Lets those requests by that Kong's plugin has nothing to say of.
struct Choice {
    cors: Cors<Next>,
    preflight_continue: bool,
    allow_origin_absent: bool,
}

impl Choice {
    fn passes(&self, request: &Request<Body>) -> bool {
        let origin = request.headers().get(ORIGIN).is_some_and(|origin| !origin.is_empty());
        let preflight = request.method() == Method::OPTIONS
            && origin
            && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let is_options = request.method() == Method::OPTIONS;
        if preflight {
            self.preflight_continue
        } else {
            is_options || !(origin || self.allow_origin_absent)
        }
    }
}

impl Service<Request<Body>> for Choice {
    type Response = http::Response<Body>;
    type Error = std::convert::Infallible;
    type Future = futures_util::future::BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        self.cors.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if self.passes(&request) {
            // The inner service is ready: `Cors` asks it and nothing else.
            return Box::pin(self.cors.get_mut().call(request));
        }
        Box::pin(self.cors.call(request))
    }
}
