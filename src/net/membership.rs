//! Places in the pools of connections.

use std::sync::{Arc, Weak};

use tokio::runtime::Id;

use super::Net;

/// The name of a pool: what was connected to, or what the function says.
pub(crate) type Name = Arc<[u8]>;

/// A place among the connections of a pool. Who waits for one gets it when it is dropped.
pub(super) struct Membership {
    net: Weak<Net>,
    reactor: Id,
    name: Name,
}

impl Membership {
    pub(super) fn new(net: &Arc<Net>, reactor: Id, name: &Name) -> Self {
        Self { net: Arc::downgrade(net), reactor, name: Arc::clone(name) }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        if let Some(net) = self.net.upgrade() {
            net.leave(self.reactor, &self.name);
        }
    }
}
