//! A plugin that is left out: requests pass it, and it is noted that they have.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::in_force::plugins::{Around, Next};

/// A plugin that is left out.
pub(super) struct Passed {
    name: String,
    left_out: Arc<Mutex<Vec<String>>>,
}

impl Passed {
    pub(super) fn new(name: &str, left_out: &Arc<Mutex<Vec<String>>>) -> Self {
        Self { name: name.to_owned(), left_out: Arc::clone(left_out) }
    }
}

impl Around for Passed {
    fn around(&self, next: Next) -> Next {
        let mut left_out = self.left_out.lock();
        if !left_out.contains(&self.name) {
            left_out.push(self.name.clone());
        }
        next
    }
}
