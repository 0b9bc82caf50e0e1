//! The pattern that a stream was read up to last, and what of its beginning is taken from the stream.

use std::sync::Arc;

use bytes::BytesMut;
use parking_lot::Mutex;

use super::{Filter, Until};

/// The pattern that a stream was read up to last, if nothing else has been read since.
#[derive(Default)]
pub(crate) struct LastPattern(Option<Arc<Mutex<Until>>>);

impl LastPattern {
    /// The pattern, which nothing goes on with.
    pub(super) fn forget(&mut self) -> Option<Arc<Mutex<Until>>> {
        self.0.take()
    }

    /// `filter` reads next. Unless it goes on with the same pattern, what has come of the pattern's beginning
    /// is in `input` again.
    pub(crate) fn turn_to(&mut self, filter: &Filter, input: &mut BytesMut) {
        let next = filter.pattern();
        if let (Some(last), Some(next)) = (&self.0, next)
            && Arc::ptr_eq(last, next)
        {
            return;
        }
        if let Some(last) = std::mem::replace(&mut self.0, next.cloned()) {
            last.lock().give_back(input);
        }
    }
}
