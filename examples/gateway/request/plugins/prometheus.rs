//! `prometheus`: what is counted of requests, beside what always is.

use std::sync::Arc;

use http::Request;
use serde::Deserialize;
use tower::Service;
use tower_lua::Consumer;

use super::{Around, Body, Next};
use crate::request::flight::Flight;

/// Fields that say whether something is counted which is counted anyway are Kong's alone.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    per_consumer: bool,
}

pub(super) fn layer(config: Config) -> Arc<dyn Around> {
    Arc::new(config)
}

impl Around for Config {
    fn around(&self, mut next: Next) -> Next {
        Next::new(tower::service_fn(move |request: Request<Body>| {
            let flight = Flight::of(&request).cloned().expect("the first layer puts it there");
            let known = request.extensions().get::<Consumer>().cloned();
            let response = next.call(request);
            async move {
                let response = response.await?;
                // Who calls is found out further in, mostly.
                let consumer = response.extensions().get::<Consumer>().or(known.as_ref());
                let name = consumer.and_then(|consumer| consumer.field("username")?.as_str());
                name.into_iter().for_each(|name| flight.count_for(name));
                Ok(response)
            }
        }))
    }

    fn is_idle(&self) -> bool {
        !self.per_consumer
    }
}
