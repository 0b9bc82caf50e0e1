//! What functions share with those of other nodes: the part of [`Runtime`] that is about them.

use super::{Runtime, RuntimeBuilder};
use crate::settings::ClusterEvent;

impl RuntimeBuilder {
    /// Is told of each key that a function gives to `kong.cache:invalidate`, for other nodes to forget
    /// its value by [`Runtime::invalidate`] as well. It runs while a VM is held, and should not wait.
    ///
    /// ```
    /// use tower_lua::Runtime;
    ///
    /// let (to_others, keys) = std::sync::mpsc::channel();
    /// let tell = move |key: &[u8]| drop(to_others.send(key.to_vec()));
    /// let runtime = Runtime::builder().invalidated(tell).build()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn invalidated(mut self, tell: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        self.settings.invalidated = Some(Box::new(tell));
        self
    }

    /// Is told of each event that a function gives to `kong.cluster_events:broadcast`, for other nodes to
    /// hear of by [`Runtime::deliver`]. It runs while a VM is held, and should not wait. Without it,
    /// there are no other nodes.
    ///
    /// # Errors
    ///
    /// What `tell` refuses an event for, the function gets as `nil, err`.
    ///
    /// ```
    /// use tower_lua::{ClusterEvent, Runtime};
    ///
    /// let (to_others, events) = std::sync::mpsc::sync_channel(100);
    /// let tell = move |event: ClusterEvent| {
    ///     to_others.try_send(event).map_err(|_| "too many events at once".to_owned())
    /// };
    /// let runtime = Runtime::builder().broadcast(tell).build()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn broadcast(
        mut self,
        tell: impl Fn(ClusterEvent) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.settings.cluster_events.tell = Some(Box::new(tell));
        self
    }
}

impl Runtime {
    /// The id of this node: what `kong.node.get_id()` says.
    #[must_use]
    pub fn node_id(&self) -> &str {
        &self.settings().node.id
    }

    /// Forgets what `kong.cache` has for `key`: what a function of another node has
    /// [invalidated](RuntimeBuilder::invalidated).
    ///
    /// ```
    /// tower_lua::Runtime::builder().build()?.invalidate(b"consumers:alice");
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn invalidate(&self, key: &[u8]) {
        self.settings().cache.remove(key);
    }

    /// Tells functions that have subscribed to its channel of an event which a function of another node
    /// has [broadcast](RuntimeBuilder::broadcast). Each runs in the VM in which it has subscribed, in the
    /// phase `timer`.
    ///
    /// ```
    /// use tower_lua::{ClusterEvent, Runtime};
    ///
    /// Runtime::builder().build()?.deliver(ClusterEvent::new("config:changed", "tenant-7"));
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn deliver(&self, event: ClusterEvent) {
        self.settings().cluster_events.deliver(event);
    }
}
