//! What requests are routed by, from one change of the entities to the next.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::BoxError;
use crate::entity::Entities;
use crate::routes::Routes;

/// The routes of now.
#[derive(Clone)]
pub(crate) struct Published {
    current: Arc<ArcSwap<Routes>>,
}

/// Routes that can be published.
pub(crate) struct Snapshot {
    routes: Routes,
}

impl Published {
    /// No route at all.
    pub(crate) fn new() -> Self {
        Self { current: Arc::new(ArcSwap::from_pointee(Routes::none())) }
    }

    /// Makes routes of entities.
    #[expect(clippy::unused_self, reason = "what is published may decide what can be")]
    pub(crate) fn check(&self, entities: &Entities) -> Result<Snapshot, BoxError> {
        Ok(Snapshot { routes: Routes::new(entities)? })
    }

    /// Puts a snapshot in force for all requests that begin from now on.
    pub(crate) fn publish(&self, snapshot: Snapshot) {
        self.current.store(Arc::new(snapshot.routes));
    }

    pub(crate) fn current(&self) -> Arc<Routes> {
        self.current.load_full()
    }
}
