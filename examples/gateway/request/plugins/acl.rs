//! `acl`: which groups of consumers may call.

use std::collections::HashSet;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use serde::Deserialize;
use tower::{Service, ServiceExt};
use tower_lua::{Consumer, Credential};

use super::message::refusal;
use super::{Around, Body, Next, once};
use crate::request::flight::Flight;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    #[serde(default)]
    allow: HashSet<String>,
    #[serde(default)]
    deny: HashSet<String>,
    hide_groups_header: bool,
    // Kong: looks at groups of `ngx.ctx`, too.
    #[expect(dead_code, reason = "files have it")]
    always_use_authenticated_groups: bool,
}

pub(super) fn layer(config: Config) -> Arc<dyn Around> {
    Arc::new(Arc::new(config))
}

const GROUPS: HeaderName = HeaderName::from_static("x-consumer-groups");
const REFUSED: &str = "You cannot consume this service";

impl Around for Arc<Config> {
    fn around(&self, next: Next) -> Next {
        let acl = Self::clone(self);
        once(next, async move |mut request: Request<Body>, mut next: Next| {
            match acl.admit(&mut request) {
                Ok(()) => next.ready().await?.call(request).await,
                Err(refusal) => Ok(*refusal),
            }
        })
    }
}

impl Config {
    /// Lets a request of one of the groups pass, and tells the service which there are.
    fn admit(&self, request: &mut Request<Body>) -> Result<(), Box<Response<Body>>> {
        let flight = Flight::of(request).cloned().expect("the first layer puts it there");
        let consumer = request.extensions().get::<Consumer>();
        let id = consumer.and_then(|consumer| consumer.id());
        let groups: Vec<&str> =
            id.into_iter().flat_map(|id| flight.snapshot().groups(id)).collect();
        if id.is_none() || (groups.is_empty() && self.deny.is_empty()) {
            return Err(Box::new(unknown(request)));
        }
        let is_in = |named: &HashSet<String>| groups.iter().any(|group| named.contains(*group));
        let passes = if self.deny.is_empty() { is_in(&self.allow) } else { !is_in(&self.deny) };
        if !passes {
            return Err(Box::new(refusal(request, StatusCode::FORBIDDEN, REFUSED)));
        }
        let value = HeaderValue::from_bytes(groups.join(", ").as_bytes());
        if let (false, Ok(value)) = (self.hide_groups_header, value) {
            request.headers_mut().insert(GROUPS, value);
        }
        Ok(())
    }
}

/// Nobody is known to be in any group: who has proved nothing may yet do so.
fn unknown(request: &Request<Body>) -> Response<Body> {
    match request.extensions().get::<Credential>() {
        Some(_) => refusal(request, StatusCode::FORBIDDEN, REFUSED),
        None => refusal(request, StatusCode::UNAUTHORIZED, "Unauthorized"),
    }
}
