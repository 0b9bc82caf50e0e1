//! [`ByConsumer`]: a plugin that is another for some consumers.

use std::collections::HashMap;
use std::sync::Arc;

use http::Request;
use rustc_hash::FxBuildHasher;
use tower::ServiceExt;
use tower_lua::{Consumer, FunctionsId};

use super::{Around, Body, Next, once};

/// The configurations of one plugin in one scope, by the ids of consumers. Routes share them.
pub(super) type OfConsumers = Arc<HashMap<Box<str>, Arc<dyn Around>, FxBuildHasher>>;

/// A plugin that is chosen when a request has come as far as the plugin, and who calls may be known.
pub(super) struct ByConsumer {
    /// From the most specific scope to the least.
    pub(super) scopes: Vec<OfConsumers>,
    /// For all others.
    pub(super) otherwise: Option<Arc<dyn Around>>,
}

impl ByConsumer {
    fn choose(&self, request: &Request<Body>) -> Option<&Arc<dyn Around>> {
        let consumer = request.extensions().get::<Consumer>();
        let id = consumer.and_then(|consumer| consumer.id());
        let own = id.and_then(|id| self.scopes.iter().find_map(|scope| scope.get(id)));
        own.or(self.otherwise.as_ref())
    }
}

impl Around for Arc<ByConsumer> {
    fn around(&self, next: Next) -> Next {
        let plugin = Self::clone(self);
        once(next, move |request, next| {
            let chosen = match plugin.choose(&request) {
                Some(plugin) => plugin.around(next),
                None => next,
            };
            chosen.oneshot(request)
        })
    }

    fn functions(&self) -> Vec<FunctionsId> {
        let of_consumers = self.scopes.iter().flat_map(|scope| scope.values());
        of_consumers.chain(&self.otherwise).flat_map(|plugin| plugin.functions()).collect()
    }
}
