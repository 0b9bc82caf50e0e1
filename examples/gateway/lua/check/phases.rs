//! Whether something may be used in a phase.

use super::finding::{Level, Place};
use super::walk::Walk;

impl Walk<'_> {
    /// Says it where `full` is not for the phase that the code runs in.
    pub(super) fn look_at_phase(&mut self, phases: Option<&[String]>, full: &str, place: Place) {
        let Some(Some(phase)) = self.phases.last().copied() else { return };
        let Some(phases) = phases else { return };
        if phases.iter().any(|known| known == phase) {
            return;
        }
        let message = format!("`{full}` cannot be used in {phase}: it raises an error there");
        let help = if phases.is_empty() {
            "no function has the phase that it is for".to_owned()
        } else {
            format!("it is for {}", phases.join(", "))
        };
        self.find(Level::Error, "phase", place, message, help);
    }
}
