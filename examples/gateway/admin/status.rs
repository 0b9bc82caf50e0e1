//! [`Counts`]: what `/status` counts, as nginx and Kong do.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

/// Connections and requests of the proxy, counted by whoever serves them.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) connections_accepted: AtomicU64,
    pub(crate) connections_handled: AtomicU64,
    pub(crate) connections_active: AtomicU64,
    pub(crate) connections_reading: AtomicU64,
    pub(crate) connections_writing: AtomicU64,
    pub(crate) connections_waiting: AtomicU64,
    pub(crate) total_requests: AtomicU64,
}

impl Counts {
    pub(super) fn shown(&self) -> Value {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        json!({
            "connections_accepted": read(&self.connections_accepted),
            "connections_handled": read(&self.connections_handled),
            "connections_active": read(&self.connections_active),
            "connections_reading": read(&self.connections_reading),
            "connections_writing": read(&self.connections_writing),
            "connections_waiting": read(&self.connections_waiting),
            "total_requests": read(&self.total_requests),
        })
    }
}
