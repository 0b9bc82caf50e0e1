//! What a runtime is made with in tests: the part of [`RuntimeBuilder`] that applications do not see.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::RuntimeBuilder;
use crate::net::StandIn;
use crate::settings::recording::Recording;

impl RuntimeBuilder {
    /// Lets functions read variables that a test has.
    pub(crate) fn variables(mut self, variables: BTreeMap<String, String>) -> Self {
        self.variables = Some(variables);
        self
    }

    /// Has all that functions do noted.
    pub(crate) fn recording(mut self, recording: Arc<Recording>) -> Self {
        self.settings.recording = Some(recording);
        self
    }

    /// Has functions reach a test's servers, whatever they reach for: the client's end of a connection to
    /// a host and a port, or why there is none.
    pub(crate) fn stand_in(mut self, connect: Box<StandIn>) -> Self {
        self.network.stand_in = Some(connect);
        self
    }
}
