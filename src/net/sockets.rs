//! The sockets of a request, whatever they are.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// The sockets of a request. They are closed when it ends.
#[derive(Default)]
pub(crate) struct Sockets {
    made: Mutex<Vec<Weak<dyn Owned>>>,
}

/// A socket that a request owns.
pub(super) trait Owned: Send + Sync {
    fn is_open(&self) -> bool;

    /// The request is over.
    fn abandon(&self);
}

impl Sockets {
    pub(super) fn add(&self, socket: Weak<dyn Owned>) {
        let mut made = self.made.lock();
        // Forgets those that are gone, now and then.
        if made.len() == made.capacity() {
            made.retain(|socket| socket.strong_count() > 0);
        }
        made.push(socket);
    }

    /// How many are open.
    pub(super) fn open(&self) -> usize {
        let made = self.made.lock();
        made.iter().filter_map(Weak::upgrade).filter(|socket| socket.is_open()).count()
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        let made: &mut Vec<Weak<dyn Owned>> = self.made.get_mut();
        made.iter().filter_map(Weak::upgrade).for_each(|socket: Arc<dyn Owned>| socket.abandon());
    }
}
