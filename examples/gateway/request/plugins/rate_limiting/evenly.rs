//! Limits that fill again bit by bit, counted in this process alone.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use super::config::Limit;
use super::usage::{Names, Usage};
use crate::BoxError;

/// Limits for everybody, each by a key.
pub(super) struct Evenly {
    /// The longest period first: what it refuses counts for no other.
    periods: Vec<Period>,
    calls: AtomicU64,
}

type Limiter =
    RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>;

struct Period {
    limiter: Limiter,
    limit: u32,
    length: Duration,
    names: Names,
}

impl Evenly {
    pub(super) fn new(limits: &[Limit]) -> Result<Self, BoxError> {
        let periods = limits.iter().map(Period::new).collect::<Result<_, _>>()?;
        Ok(Self { periods, calls: AtomicU64::new(0) })
    }

    /// Takes one of what is left for `key` in all periods: what is left in those that were asked, and
    /// whether there was one in each.
    pub(super) fn take(&self, key: &String) -> (Vec<(&Names, Usage)>, bool) {
        // Now and then, those who have not called for so long that their limits are full again are
        // forgotten.
        if self.calls.fetch_add(1, Ordering::Relaxed) % 4096 == 4095 {
            self.periods.iter().for_each(|period| period.limiter.retain_recent());
        }
        let mut usages = Vec::with_capacity(self.periods.len());
        for period in &self.periods {
            match period.take(key) {
                Ok(usage) => usages.push((&period.names, usage)),
                Err(usage) => {
                    usages.push((&period.names, usage));
                    return (usages, false);
                }
            }
        }
        (usages, true)
    }
}

impl Period {
    fn new(limit: &Limit) -> Result<Self, BoxError> {
        let &Limit { period, most } = limit;
        let length = Duration::from_secs(period.seconds());
        let wrong = || format!("rate-limiting: '{}' must be greater than 0", period.name());
        let most = NonZeroU32::new(u32::try_from(most).unwrap_or(u32::MAX)).ok_or_else(wrong)?;
        let each = (length / most.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(each).ok_or_else(wrong)?.allow_burst(most);
        Ok(Self {
            limiter: RateLimiter::keyed(quota).with_middleware(),
            limit: most.get(),
            length,
            names: Names::of(period.name())?,
        })
    }

    /// Takes one of what is left for `key`. Whether there was one.
    fn take(&self, key: &String) -> Result<Usage, Usage> {
        let usage = |remaining: u32, reset| Usage {
            limit: self.limit.into(),
            remaining: remaining.into(),
            reset: seconds(reset),
        };
        match self.limiter.check_key(key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = self.limit.saturating_sub(remaining);
                Ok(usage(remaining, self.length / self.limit * used))
            }
            Err(until) => Err(usage(0, until.wait_time_from(DefaultClock::default().now()))),
        }
    }
}

/// Whole seconds, and at least one.
fn seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)).max(1)
}
