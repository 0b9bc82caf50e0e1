//! Limits in windows of the clock, counted where all gateways look: Kong's way.

use futures_util::future::BoxFuture;

use super::config::Limit;
use super::period::{Period, now};
use super::usage::{Names, Usage};
use crate::BoxError;

/// Where counts are kept.
pub(super) trait Counts: Send + Sync {
    /// Adds one to all counts, or to none if one of them has reached its limit.
    fn take(&self, counts: Vec<Count>) -> BoxFuture<'_, Result<Taken, BoxError>>;
}

/// How many requests there have been in a window.
#[derive(Clone, Debug)]
pub(super) struct Count {
    pub(super) name: String,
    pub(super) most: u64,
    /// For how many seconds it has to be kept.
    pub(super) seconds: u64,
}

/// What has come of it.
pub(super) struct Taken {
    pub(super) passes: bool,
    /// What each count is now, in the order in which they were given.
    pub(super) used: Vec<u64>,
}

/// Limits for everybody, each by a key.
pub(super) struct Windows {
    /// The longest period first.
    limits: Vec<(Limit, Names)>,
    /// What the names of counts begin with: whose limits they are.
    scope: String,
    counts: Box<dyn Counts>,
}

impl Windows {
    pub(super) fn new(
        limits: &[Limit],
        scope: String,
        counts: Box<dyn Counts>,
    ) -> Result<Self, BoxError> {
        let named = |limit: &Limit| Ok::<_, BoxError>((*limit, Names::of(limit.period.name())?));
        Ok(Self { limits: limits.iter().map(named).collect::<Result<_, _>>()?, scope, counts })
    }

    /// Takes one of what is left for `key`: what is left in each period, and whether there was one.
    pub(super) async fn take(&self, key: &str) -> Result<(Vec<(&Names, Usage)>, bool), BoxError> {
        let now = now();
        let counts = self.limits.iter().map(|(Limit { period, most }, _)| Count {
            name: self.name(key, *period, now),
            most: *most,
            seconds: period.seconds(),
        });
        let Taken { passes, used } = self.counts.take(counts.collect()).await?;
        let usages = self.limits.iter().zip(used).map(|((limit, names), used)| {
            let passed = now - limit.period.start(now);
            let usage = Usage {
                limit: limit.most,
                remaining: limit.most.saturating_sub(used),
                reset: limit.period.seconds().saturating_sub(passed).max(1),
            };
            (names, usage)
        });
        Ok((usages.collect(), passes))
    }

    /// What stands in braces is what a cluster of redis chooses the server by.
    fn name(&self, key: &str, period: Period, now: u64) -> String {
        let (scope, start, period) = (&self.scope, period.start(now), period.name());
        format!("ratelimit:{{{scope}:{key}}}:{start}:{period}")
    }
}
