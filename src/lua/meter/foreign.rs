//! Calls of what the application has made for Lua, which may hold up the thread.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Meter, RESTING, UNBEGUN, UNMARKED, cpu_clock};

/// A moment by both clocks, by that of the CPU in runs alone that it is read for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    now: u64,
    cpu: u64,
}

impl Meter {
    /// The moment before a call of what the application has made for Lua.
    pub(in crate::lua) fn moment(&self) -> Moment {
        let is_marked = self.marked.load(Ordering::Relaxed) != 0;
        Moment { now: self.now(), cpu: if is_marked { cpu_clock() } else { 0 } }
    }

    /// Keeps the moment until [`take_moment`](Self::take_moment).
    pub(in crate::lua) fn remember_moment(&self) {
        *self.moment.lock() = Some(self.moment());
    }

    pub(in crate::lua) fn take_moment(&self) -> Option<Moment> {
        self.moment.lock().take()
    }

    /// Counts a call that began at `moment` by the clock on the wall, if it has taken longer than a
    /// call does that works for Lua alone: then how long it was.
    pub(in crate::lua) fn count(&self, moment: Moment) -> Option<Duration> {
        let now = self.now();
        let held = now - moment.now;
        if held < UNMARKED {
            return None;
        }
        self.charge(moment, now);
        Some(Duration::from_nanos(held))
    }

    #[cold]
    fn charge(&self, moment: Moment, now: u64) {
        match self.deadline.load(Ordering::Relaxed) {
            RESTING => return,
            UNBEGUN => self.begin(moment.now),
            _ => {}
        }
        let mut blocked = now - moment.now;
        if self.marked.load(Ordering::Relaxed) == 0 {
            self.mark(now);
        } else if moment.cpu != 0 {
            blocked = blocked.saturating_sub(cpu_clock().saturating_sub(moment.cpu));
        }
        self.blocked.fetch_add(blocked, Ordering::Relaxed);
        // Whatever the next tick is, it has to look closely.
        self.deadline.fetch_min(now, Ordering::Relaxed);
    }
}
