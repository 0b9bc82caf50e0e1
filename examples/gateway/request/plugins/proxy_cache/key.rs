//! What requests must have in common to be answered by the same response.

use http::Request;
use http::header::{AUTHORIZATION, HOST};
use sha2::{Digest, Sha256};
use tower_lua::Consumer;

use super::config::Config;
use crate::request::flight::Flight;
use crate::request::plugins::Body;

/// The key of a request: `scope` is the plugin's.
//
// Kong: knows neither hosts nor who calls without a consumer, and answers all of them with the same.
pub(super) fn of(request: &Request<Body>, scope: &str, config: &Config) -> String {
    let mut key = Key(Sha256::new());
    let (headers, uri) = (request.headers(), request.uri());
    let route = Flight::of(request).and_then(|flight| flight.route_in_force());
    key.add(scope.as_bytes());
    key.add(route.map_or("", |route| &route.route.id).as_bytes());
    match request.extensions().get::<Consumer>().and_then(Consumer::id) {
        Some(consumer) => key.add(consumer.as_bytes()),
        None => key.add(headers.get(AUTHORIZATION).map_or(b"", |value| value.as_bytes())),
    }
    let host = uri.authority().map(|authority| authority.as_str().as_bytes());
    let host = host.or_else(|| Some(headers.get(HOST)?.as_bytes())).unwrap_or_default();
    key.add(&host.to_ascii_lowercase());
    key.add(request.method().as_str().as_bytes());
    match config.ignore_uri_case {
        true => key.add(uri.path().to_ascii_lowercase().as_bytes()),
        false => key.add(uri.path().as_bytes()),
    }
    for (name, value) in arguments(uri.query().unwrap_or_default(), config) {
        key.add(name.as_bytes());
        key.add(value.as_bytes());
    }
    for name in &config.vary_headers {
        key.add(name.as_bytes());
        headers.get_all(name).iter().for_each(|value| key.add(value.as_bytes()));
    }
    key.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Parts, each with its length before it: no two lists of parts are the same bytes.
struct Key(Sha256);

impl Key {
    fn add(&mut self, part: &[u8]) {
        self.0.update(part.len().to_le_bytes());
        self.0.update(part);
    }
}

/// The arguments that make a difference, in an order that does not depend on the request's.
fn arguments<'a>(query: &'a str, config: &Config) -> Vec<(&'a str, &'a str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let wanted = &config.vary_query_params;
    let mut pairs: Vec<_> =
        pairs.filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| w == name)).collect();
    pairs.sort_unstable();
    pairs
}
