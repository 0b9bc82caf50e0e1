//! [`Histogram`]: how many times lie in each interval.

use std::time::Duration;

use super::family::Value;

/// Upper bounds of the intervals of a histogram, in nanoseconds and as they are written.
pub(super) struct Bounds {
    nanoseconds: [u64; COUNT],
    written: [f64; COUNT],
    /// What is written for a second.
    second: f64,
}

const COUNT: usize = 15;

/// Of requests: Kong's, in milliseconds.
pub(super) static MILLISECONDS: Bounds = Bounds::new(
    [1.0, 2.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 75.0, 100.0, 200.0, 500.0, 1e3, 1e4],
    1e3,
);

/// Of functions, in seconds.
pub(super) static SECONDS: Bounds = Bounds::new(
    [
        0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01,
        0.025, 0.05, 0.1, 0.25, 1.0,
    ],
    1.0,
);

impl Bounds {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small and positive"
    )]
    const fn new(written: [f64; COUNT], second: f64) -> Self {
        let mut nanoseconds = [0; COUNT];
        let mut at = 0;
        while at < COUNT {
            // Rounded: 0.000025 is a little less than it should be.
            nanoseconds[at] = (written[at] / second * 1e9 + 0.5) as u64;
            at += 1;
        }
        Self { nanoseconds, written, second }
    }
}

/// How many times lie in each interval; the last has no upper bound.
//
// In this order: the sum lies beside the count of the short times, which most are.
#[derive(Clone, Default)]
#[repr(C)]
pub(super) struct Histogram {
    sum: Duration,
    counts: [u64; COUNT + 1],
}

impl Histogram {
    pub(super) fn add(&mut self, bounds: &Bounds, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let below = bounds.nanoseconds.iter().take_while(|bound| **bound < nanoseconds);
        self.counts[below.count()] += 1;
        self.sum += time;
    }

    pub(super) fn join(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.sum += other.sum;
    }

    /// What has been added since there was `earlier`.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let mut counts = self.counts;
        for (count, before) in counts.iter_mut().zip(earlier.counts) {
            *count = count.saturating_sub(before);
        }
        Self { counts, sum: self.sum.saturating_sub(earlier.sum) }
    }

    pub(super) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(super) const fn sum(&self) -> Duration {
        self.sum
    }

    /// The time that a fraction of all lie below, as far as the intervals tell. `None` of none.
    #[expect(clippy::cast_precision_loss, reason = "an estimate anyway")]
    pub(super) fn quantile(&self, bounds: &Bounds, fraction: f64) -> Option<Duration> {
        let rank = self.total() as f64 * fraction;
        let mut below = 0;
        for (at, count) in self.counts.iter().enumerate() {
            if *count > 0 && (below + count) as f64 >= rank {
                let lower = at.checked_sub(1).map_or(0, |at| bounds.nanoseconds[at]) as f64;
                // Of what is above all bounds no more is known.
                let upper = bounds.nanoseconds.get(at).map_or(lower, |bound| *bound as f64);
                let share = (rank - below as f64) / *count as f64;
                return Some(Duration::from_secs_f64((lower + (upper - lower) * share) / 1e9));
            }
            below += count;
        }
        None
    }

    pub(super) fn value(&self, bounds: &'static Bounds) -> Value {
        Value::Histogram {
            bounds: &bounds.written,
            counts: self.counts.to_vec(),
            sum: self.sum.as_secs_f64() * bounds.second,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(microseconds: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        let times = microseconds.iter().map(|time| Duration::from_micros(*time));
        times.for_each(|time| histogram.add(&SECONDS, time));
        histogram
    }

    #[test]
    fn a_time_lies_in_the_interval_that_its_bound_ends() {
        let histogram = of(&[25, 26, 1_000_000, 2_000_000]);
        assert_eq!(histogram.counts[1..3], [1, 1]);
        assert_eq!(histogram.counts[COUNT - 1..], [1, 1]);
    }

    #[test]
    fn quantiles_lie_in_their_interval() {
        let micros = |histogram: &Histogram, fraction| {
            histogram.quantile(&SECONDS, fraction).map(|time| time.as_micros())
        };
        let mut times = vec![60; 98];
        times.extend([3000, 2_000_000]);
        let histogram = of(&times);
        assert!((50..=100).contains(&micros(&histogram, 0.5).unwrap()));
        assert!((2500..=5000).contains(&micros(&histogram, 0.99).unwrap()));
        assert_eq!(micros(&histogram, 1.0), Some(1_000_000));
        assert_eq!(micros(&of(&[]), 0.5), None);
    }
}
