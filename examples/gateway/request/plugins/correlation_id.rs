//! `correlation-id`: a header by which a request is known on all of its way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use http::{HeaderName, HeaderValue, Request};
use serde::Deserialize;
use tower::{ServiceBuilder, ServiceExt};
use tower_http::request_id::{
    MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_lua::Connection;

use super::{Around, Body, Next};
use crate::BoxError;
use crate::request::flight::Flight;

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    header_name: String,
    generator: Generator,
    echo_downstream: bool,
}

impl Default for Config {
    fn default() -> Self {
        let header_name = "Kong-Request-ID".to_owned();
        Self { header_name, generator: Generator::Counter, echo_downstream: false }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum Generator {
    #[serde(rename = "uuid")]
    Uuid,
    #[serde(rename = "uuid#counter")]
    Counter,
    #[serde(rename = "tracker")]
    Tracker,
}

struct CorrelationId {
    header: HeaderName,
    make: Make,
    echoes: bool,
}

pub(super) fn layer(config: Config) -> Result<Arc<dyn Around>, BoxError> {
    let Config { header_name, generator, echo_downstream } = config;
    let header = header_name.parse().map_err(|_| format!("'{header_name}' is no header's name"))?;
    let make = Make { generator, prefix: uuid().into(), counter: Arc::default() };
    Ok(Arc::new(CorrelationId { header, make, echoes: echo_downstream }))
}

impl Around for CorrelationId {
    fn around(&self, next: Next) -> Next {
        let header = self.header.clone();
        let echo = self.echoes.then(|| PropagateRequestIdLayer::new(header.clone()));
        let set = SetRequestIdLayer::new(header.clone(), self.make.clone());
        let without_empty = move |mut request: Request<Body>| {
            // An empty id is as good as none.
            if request.headers().get(&header).is_some_and(HeaderValue::is_empty) {
                request.headers_mut().remove(&header);
            }
            request
        };
        let stack = ServiceBuilder::new().map_request(without_empty).layer(set).option_layer(echo);
        Next::new(stack.service(next).map_err(|error| match error {}))
    }
}

#[derive(Clone)]
struct Make {
    generator: Generator,
    prefix: Arc<str>,
    counter: Arc<AtomicU64>,
}

impl MakeRequestId for Make {
    fn make_request_id<B>(&mut self, request: &Request<B>) -> Option<RequestId> {
        let count = self.counter.fetch_add(1, Ordering::Relaxed) + 1;
        let id = match self.generator {
            Generator::Uuid => uuid(),
            Generator::Counter => format!("{}#{count}", self.prefix),
            Generator::Tracker => {
                tracker(Flight::of(request).map(|flight| flight.peer.connection), count)
            }
        };
        HeaderValue::from_str(&id).ok().map(RequestId::new)
    }
}

/// A random UUID of version 4.
fn uuid() -> String {
    let id = tower_lua::RequestId::random();
    let id = id.as_str();
    // Two bits of the variant leave four digits to choose from.
    let variant = ["8", "9", "a", "b"][usize::from(id.as_bytes()[16] % 4)];
    format!("{}-{}-4{}-{variant}{}-{}", &id[..8], &id[8..12], &id[13..16], &id[17..20], &id[20..])
}

/// Where and when a request came.
//
// Kong: has the numbers that nginx gives to connections and to requests on one. Here they are the
// client's port and the number of the request.
fn tracker(connection: Option<Connection>, count: u64) -> String {
    let local = connection.and_then(|connection| connection.local_addr());
    let (addr, port) =
        local.map_or_else(|| ("-".to_owned(), 0), |local| (local.ip().to_string(), local.port()));
    let peer = connection.map_or(0, |connection| connection.peer_addr().port());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{addr}-{port}-{}-{peer}-{count}-{:.3}", std::process::id(), now.as_secs_f64())
}
