//! What functions share with those of other nodes: the part of [`Runtime`] that is about them.

use super::{Runtime, RuntimeBuilder};

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
}
