//! The spans of functions, for requests that belong to a trace.

use std::time::Instant;

use crate::error::{Error, Site};
use crate::extension::{Trace, TraceSpan};
use crate::phase::Phase;
use crate::settings::FunctionOutcome;
use crate::vm::Vm;

/// The spans of a run that have not ended.
pub(super) struct RunSpans {
    trace: Trace,
    phase: Phase,
    of_phase: Option<TraceSpan>,
    of_function: Option<TraceSpan>,
}

impl RunSpans {
    /// Begins the span of the function that is next in `vm`, and that of its phase where it is the first.
    #[cold]
    pub(super) fn begin(spans: &mut Option<Box<Self>>, vm: &Vm, now: Instant) {
        let Some(trace) = vm.trace() else { return };
        let site = vm.site();
        if spans.as_ref().is_none_or(|spans| spans.phase != site.phase) {
            // The one before ends first.
            *spans = None;
            *spans = Some(Box::new(Self::of_phase(trace, &site, now)));
        }
        if let Some(spans) = spans {
            spans.begin_function(vm, &site, now);
        }
    }

    fn of_phase(trace: Trace, site: &Site, now: Instant) -> Self {
        let Site { plugin, phase, .. } = site;
        // The names that Kong has for them.
        let span = trace.span(format!("kong.{phase}.plugin.{plugin}"), now);
        Self { trace, phase: *phase, of_phase: Some(span), of_function: None }
    }

    fn begin_function(&mut self, vm: &Vm, site: &Site, now: Instant) {
        let Site { plugin, phase, set, index, .. } = site;
        let mut span = self.trace.span(format!("{set}: {phase}[{index}]"), now);
        span.parent_id = self.of_phase.as_ref().map_or(span.parent_id, |phase| phase.id);
        span.set("kong.functions", &**set);
        span.set("kong.plugin", plugin.name());
        span.set("kong.phase", phase.name());
        span.set("kong.function", *index);
        vm.trace_into(span.id);
        self.of_function = Some(span);
    }

    /// Ends the span of the function, of which this has become.
    #[cold]
    pub(super) fn end(&mut self, vm: &Vm, outcome: FunctionOutcome, error: Option<&Error>) {
        if outcome == FunctionOutcome::Waited {
            return;
        }
        let Some(mut span) = self.of_function.take() else { return };
        vm.trace_into(self.trace.span_id());
        if let Some(error) = error {
            span.is_ok = Some(false);
            span.set("exception.message", error.to_string());
        }
        self.trace.end(span);
    }
}

/// What has not ended ends with it: a function that is given up, and the phase.
impl Drop for RunSpans {
    fn drop(&mut self) {
        if let Some(mut given_up) = self.of_function.take() {
            given_up.is_ok = Some(false);
            self.trace.end(given_up);
        }
        if let Some(phase) = self.of_phase.take() {
            self.trace.end(phase);
        }
    }
}
