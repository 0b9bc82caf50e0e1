//! The names of headers as functions write them.

use http::HeaderName;

use crate::extension::HeaderNames;
use crate::message::headers::Name;

/// How functions have written the names of the headers of a message.
#[derive(Debug, Default)]
pub(super) struct Names {
    spelled: HeaderNames,
    /// Whether headers have been removed: the message may know of another way to write those.
    has_gaps: bool,
}

impl Names {
    /// Takes note of a header that functions have set: one that `is_new` is written as they write
    /// it, and one that was there before as it was, as nginx has it.
    pub(super) fn note(&mut self, name: &Name<'_>, is_new: bool, is_there: bool) {
        match (is_new, is_there) {
            (true, true) => {
                if let Some(written) = name.spelling(self.has_gaps) {
                    self.spelled.insert(name.name.clone(), &written);
                }
            }
            (false, false) => self.forget(&name.name),
            _ => {}
        }
    }

    /// Takes note of a header that is not there any more.
    pub(super) fn forget(&mut self, name: &HeaderName) {
        self.has_gaps = true;
        self.spelled.remove(name);
    }

    pub(super) fn spelled(&self) -> Option<&HeaderNames> {
        (!self.spelled.is_empty()).then_some(&self.spelled)
    }

    pub(super) fn take_spelled(&mut self) -> Option<HeaderNames> {
        (!self.spelled.is_empty()).then(|| std::mem::take(&mut self.spelled))
    }
}
