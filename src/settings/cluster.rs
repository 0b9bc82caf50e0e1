//! What functions of one node tell those of others.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;

/// An event of `kong.cluster_events`: functions of one node broadcast it, those of others have subscribed
/// to its channel.
///
/// ```
/// use tower_lua::ClusterEvent;
///
/// let event = ClusterEvent::new("config:changed", "tenant-7");
/// assert!(event.delay.is_zero());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterEvent {
    /// Whom it is for.
    pub channel: Vec<u8>,
    /// What they are told.
    pub data: Vec<u8>,
    /// How long it is to be held back.
    pub delay: Duration,
}

impl ClusterEvent {
    /// One that is not held back.
    pub fn new(channel: impl Into<Vec<u8>>, data: impl Into<Vec<u8>>) -> Self {
        Self { channel: channel.into(), data: data.into(), delay: Duration::ZERO }
    }
}

/// The events that come and go.
pub(crate) struct ClusterEvents {
    /// Tells other nodes, if there are any.
    pub(crate) tell: Option<Box<Tell>>,
    heard: broadcast::Sender<Arc<ClusterEvent>>,
}

type Tell = dyn Fn(ClusterEvent) -> Result<(), String> + Send + Sync;

/// How many events may come before a subscription has looked at the first of them.
const MOST_WAITING: usize = 1024;

impl Default for ClusterEvents {
    fn default() -> Self {
        Self { tell: None, heard: broadcast::Sender::new(MOST_WAITING) }
    }
}

impl ClusterEvents {
    /// What comes from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<ClusterEvent>> {
        self.heard.subscribe()
    }

    /// Lets those hear of an event who have subscribed.
    pub(crate) fn deliver(&self, event: ClusterEvent) {
        // Nobody has, if it fails.
        let _ = self.heard.send(Arc::new(event));
    }
}
