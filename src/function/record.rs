//! What is remembered of a function that uses up its time or memory again and again.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many calls in a row use up their time or memory before the next are refused.
const STRIKES: u32 = 8;

/// How long calls are refused, the first time. It doubles each time that the call after it is no better,
/// up to a minute.
const REFUSED_FOR: Duration = Duration::from_secs(2);
const MOST_DOUBLINGS: u32 = 5;

/// The calls of one function that used up their time or memory, since one that did not.
#[derive(Debug, Default)]
pub(super) struct Record {
    strikes: AtomicU32,
    /// Until when calls are refused, in milliseconds since the epoch of [`now`].
    refused_until: AtomicU64,
}

impl Record {
    /// Whether the last call used up its time or memory.
    pub(super) fn is_suspect(&self) -> bool {
        self.strikes.load(Ordering::Relaxed) > 0
    }

    /// Whether the function is not to be called now.
    pub(super) fn is_refused(&self) -> bool {
        self.is_suspect() && now() < self.refused_until.load(Ordering::Relaxed)
    }

    /// Notes a call that kept within its share.
    pub(super) fn clear(&self) {
        if self.is_suspect() {
            self.strikes.store(0, Ordering::Relaxed);
        }
    }

    /// Notes a call that did not. For how long the next are refused, if they are.
    #[cold]
    pub(super) fn strike(&self) -> Option<Duration> {
        let strikes = self.strikes.fetch_add(1, Ordering::Relaxed) + 1;
        let more = strikes.checked_sub(STRIKES)?;
        let time = REFUSED_FOR * 2_u32.pow(more.min(MOST_DOUBLINGS));
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.refused_until.store(now() + milliseconds, Ordering::Relaxed);
        Some(time)
    }
}

fn now() -> u64 {
    static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(EPOCH.elapsed().as_millis()).unwrap_or(u64::MAX)
}
