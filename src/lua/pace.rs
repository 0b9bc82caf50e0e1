//! How often the hook looks at the clock.
//!
//! An instruction takes nanoseconds, or milliseconds: it may join or compare texts as large as the memory
//! limit, or call a function of LuaJIT's that does. So the hook is called the more often, the longer
//! the instructions take that it sees; and from the first in a run that has taken so much memory that
//! they may take long.

use std::sync::atomic::{AtomicU32, Ordering};

/// How many VM instructions pass between two calls of the hook.
#[derive(Debug)]
pub(super) struct Pace {
    every: AtomicU32,
    /// How many times in a row they were quick.
    quick: AtomicU32,
}

/// A microsecond of ordinary work. Fewer would cost what computes much more than the tenth that it
/// does.
pub(super) const EVERY: u32 = 250;

/// The same in a run that has taken much memory, by the bytes from which on it is much.
const IF_LARGE: [(u64, u32); 2] = [(32 << 20, 10), (8 << 20, 50)];

/// The fewest.
const FEWEST: u32 = 2;

/// By how much the number falls and rises.
const STEP: u32 = 5;

/// In how many nanoseconds they are slow, and in how many quick. Whoever counts instructions makes all of
/// them slow, and wants the same number each time: `--cfg steady_pace`.
const SLOW: u64 = if cfg!(steady_pace) { u64::MAX } else { 500_000 };
const QUICK: u64 = 50_000;

/// How many times in a row they are quick before there are more of them.
const RECOVERED: u32 = 16;

impl Default for Pace {
    fn default() -> Self {
        Self { every: AtomicU32::new(EVERY), quick: AtomicU32::new(0) }
    }
}

impl Pace {
    /// Notes that the clock was last looked at `time` nanoseconds ago, in a run that has taken so many
    /// bytes of memory. How many instructions are to pass from now on, if that is another number.
    pub(super) fn after(&self, time: u64, memory: u64) -> Option<u32> {
        let every = self.every.load(Ordering::Relaxed);
        let large = IF_LARGE.iter().find(|(bytes, _)| memory >= *bytes);
        let most = large.map_or(EVERY, |(_, every)| *every);
        if every == most && time < SLOW {
            return None;
        }
        self.adapt(every, most, time)
    }

    #[cold]
    fn adapt(&self, every: u32, most: u32, time: u64) -> Option<u32> {
        let quick = if time < QUICK { self.quick.load(Ordering::Relaxed) + 1 } else { 0 };
        let now = if time >= SLOW {
            (every / STEP).max(FEWEST)
        } else if quick >= RECOVERED {
            (every * STEP).min(most)
        } else {
            every.min(most)
        };
        self.every.store(now, Ordering::Relaxed);
        self.quick.store(if now == every { quick } else { 0 }, Ordering::Relaxed);
        (now != every).then_some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_instructions_are_watched_closely_until_they_are_quick_again() {
        let pace = Pace::default();
        assert_eq!(pace.after(1000, 0), None);
        assert_eq!(pace.after(SLOW, 0), Some(50));
        assert_eq!(pace.after(SLOW, 0), Some(10));
        assert_eq!(pace.after(SLOW, 0), Some(2));
        assert_eq!(pace.after(SLOW, 0), None);
        for more in [10, 50, 250] {
            let quick: Vec<_> = (0..RECOVERED).filter_map(|_| pace.after(1000, 0)).collect();
            assert_eq!(quick, [more]);
        }
        assert_eq!(pace.after(1000, 0), None);
    }

    #[test]
    fn a_run_that_has_taken_much_memory_is_watched_closely_from_the_first() {
        let pace = Pace::default();
        assert_eq!(pace.after(1000, 8 << 20), Some(50));
        assert_eq!(pace.after(1000, 8 << 20), None);
        assert_eq!(pace.after(1000, 32 << 20), Some(10));
        assert_eq!((0..RECOVERED).find_map(|_| pace.after(1000, 0)), Some(50));
        assert_eq!((0..RECOVERED).find_map(|_| pace.after(1000, 0)), Some(EVERY));
    }
}
