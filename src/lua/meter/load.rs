//! Modules that are loaded while a function runs, by a clock of their own.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Meter, RESTING, UNBEGUN, cpu_clock};

/// What a meter says, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interrupted {
    blocked: u64,
    deadline: u64,
    started: u64,
    allowed: u64,
    marked: u64,
    cpu: u64,
    now: u64,
    cpu_now: u64,
}

impl Meter {
    /// Gives a module the time of a call for itself, to be loaded in.
    #[cold]
    pub(crate) fn begin_load(&self) {
        let deadline = self.deadline.load(Ordering::Relaxed);
        if deadline == RESTING {
            return;
        }
        *self.interrupted.lock() = Some(Interrupted {
            blocked: self.blocked.load(Ordering::Relaxed),
            deadline,
            started: self.started.load(Ordering::Relaxed),
            allowed: self.allowed.load(Ordering::Relaxed),
            marked: self.marked.load(Ordering::Relaxed),
            cpu: self.cpu.load(Ordering::Relaxed),
            now: self.now(),
            cpu_now: cpu_clock(),
        });
        self.start_at_once(Duration::ZERO, Duration::ZERO);
    }

    /// Goes back to the function that wanted the module. A module that could not be loaded has taken
    /// of the function's own time: it may be asked for again and again.
    #[cold]
    pub(crate) fn end_load(&self, is_loaded: bool) {
        let Some(clock) = self.interrupted.lock().take() else { return };
        let (wall, cpu) = match is_loaded {
            true => (self.now() - clock.now, cpu_clock().saturating_sub(clock.cpu_now)),
            false => (0, 0),
        };
        let later = |time: u64| if time == UNBEGUN { UNBEGUN } else { time.saturating_add(wall) };
        self.blocked.store(clock.blocked, Ordering::Relaxed);
        self.deadline.store(later(clock.deadline), Ordering::Relaxed);
        self.started.store(later(clock.started), Ordering::Relaxed);
        self.allowed.store(clock.allowed, Ordering::Relaxed);
        self.marked.store(later(clock.marked), Ordering::Relaxed);
        self.cpu.store(clock.cpu + cpu, Ordering::Relaxed);
    }
}
