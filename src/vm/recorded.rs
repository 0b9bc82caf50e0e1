//! Runs of functions in a runtime that notes what they do.

use std::time::Instant;

use cpu_time::ThreadTime;

use super::{Step, Vm};
use crate::settings::recording::Recording;

impl Vm {
    /// Does `run`, a run of the function that is next, and has it noted.
    #[cold]
    pub(super) fn noted(
        &mut self,
        recording: &Recording,
        run: impl FnOnce(&mut Self) -> Step,
    ) -> Step {
        let (site, seen) = self.transaction(|tx| (tx.site.clone(), tx.seen()));
        recording.begin(&site, seen, self.used_memory());
        let (began, cpu) = (Instant::now(), ThreadTime::now());
        let step = run(self);
        let times = [began.elapsed(), cpu.elapsed()];
        recording.allocated.look(self.used_memory());
        let failure = match &step {
            Step::Failed(failure) => Some(failure),
            Step::Done(_) | Step::Waiting(..) => None,
        };
        let seen = self.transaction(|tx| tx.seen());
        recording.end(step.outcome(), failure, seen, times);
        step
    }
}
