//! How long a service may take.

use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    /// Between two writes of the request.
    pub(crate) write: Duration,
    /// Between two reads of the response.
    pub(crate) read: Duration,
}

impl Timeouts {
    /// Timeouts in milliseconds.
    pub(crate) fn new(connect: u64, write: u64, read: u64) -> Self {
        let [connect, write, read] = [connect, write, read].map(Duration::from_millis);
        Self { connect, write, read }
    }
}

impl From<tower_lua::Timeouts> for Timeouts {
    fn from(asked: tower_lua::Timeouts) -> Self {
        Self { connect: asked.connect, write: asked.send, read: asked.read }
    }
}
