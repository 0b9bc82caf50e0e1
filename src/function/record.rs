//! What is remembered of a function that holds up others.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many calls in a row use up their time or memory before the next are refused.
const STRIKES: u32 = 8;

/// How long calls are refused, the first time. It doubles each time that the call after it is no better,
/// up to a minute.
const REFUSED_FOR: Duration = Duration::from_secs(2);
const MOST_DOUBLINGS: u32 = 5;

/// How many calls in a row keep within their share before a function is trusted again that did not.
const WATCHED: u32 = 32;

/// Whether any function has ever held up others. Where none has, none is looked at.
static ANY: AtomicBool = AtomicBool::new(false);

/// The calls of one function that held up others.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Those that used up their time or memory, since one that did not.
    strikes: AtomicU32,
    /// How many more have to keep within their share.
    watched: AtomicU32,
    /// Until when calls are refused, in milliseconds since the epoch of [`now`].
    refused_until: AtomicU64,
}

impl Record {
    /// Whether any function has ever held up others.
    pub(super) fn any_ever() -> bool {
        ANY.load(Ordering::Relaxed)
    }

    /// Whether one of `records` is watched.
    pub(super) fn any_watched(records: &[Self]) -> bool {
        records.iter().any(Self::is_watched)
    }

    /// Whether one of the last calls held up others: the next, if there is one now, should not be where it
    /// could.
    fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Relaxed) > 0 && !self.is_refused()
    }

    /// Whether the function is not to be called now.
    pub(super) fn is_refused(&self) -> bool {
        if !Self::any_ever() {
            return false;
        }
        let until = self.refused_until.load(Ordering::Relaxed);
        until > 0 && now() < until
    }

    /// Notes a call that kept within its share.
    pub(super) fn clear(&self) {
        if Self::any_ever() && self.watched.load(Ordering::Relaxed) > 0 {
            self.strikes.store(0, Ordering::Relaxed);
            let less = |left: u32| left.checked_sub(1);
            let _ = self.watched.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
    }

    /// Notes a call that did so and yet took long.
    #[cold]
    pub(super) fn watch(&self) {
        self.strikes.store(0, Ordering::Relaxed);
        self.watch_on();
    }

    fn watch_on(&self) {
        ANY.store(true, Ordering::Relaxed);
        self.watched.store(WATCHED, Ordering::Relaxed);
    }

    /// Notes a call that did not. For how long the next are refused, if they are.
    #[cold]
    pub(super) fn strike(&self) -> Option<Duration> {
        self.watch_on();
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
