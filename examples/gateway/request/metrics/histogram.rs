//! [`Histograms`]: how many times of several kinds lie in each interval.

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

/// Of each of `KINDS` times how many lie in each interval.
//
// In this order: the sums lie beside the counts of the short times, which most are. With thousands of routes each
// line of memory that a request counts in has to come from far away.
#[derive(Clone)]
#[repr(C)]
pub(super) struct Histograms<const KINDS: usize> {
    sums: [Sum; KINDS],
    counts: [[u64; KINDS]; COUNT + 1],
}

/// How long all times together are, in nanoseconds. Open connections by the thousand take years in a day: a float does
/// not overflow.
type Sum = f64;

impl<const KINDS: usize> Default for Histograms<KINDS> {
    fn default() -> Self {
        Self { sums: [0.0; KINDS], counts: [[0; KINDS]; COUNT + 1] }
    }
}

impl<const KINDS: usize> Histograms<KINDS> {
    /// Counts a time of one kind.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a sum of times that themselves have been rounded"
    )]
    pub(super) fn add(&mut self, kind: usize, bounds: &Bounds, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let below = bounds.nanoseconds.iter().take_while(|bound| **bound < nanoseconds);
        self.counts[below.count()][kind] += 1;
        self.sums[kind] += nanoseconds as Sum;
    }

    pub(super) fn join(&mut self, other: &Self) {
        for (count, more) in
            self.counts.as_flattened_mut().iter_mut().zip(other.counts.as_flattened())
        {
            *count += more;
        }
        for (sum, more) in self.sums.iter_mut().zip(other.sums) {
            *sum += more;
        }
    }

    /// What has been added since there was `earlier`.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let mut rest = self.clone();
        let before = earlier.counts.as_flattened();
        for (count, before) in rest.counts.as_flattened_mut().iter_mut().zip(before) {
            *count = count.saturating_sub(*before);
        }
        for (sum, before) in rest.sums.iter_mut().zip(earlier.sums) {
            *sum = (*sum - before).max(0.0);
        }
        rest
    }

    /// The times of one kind.
    pub(super) fn of(&self, kind: usize) -> Histogram {
        Histogram { counts: self.counts.map(|counts| counts[kind]), sum: self.sums[kind] }
    }
}

/// How many times of one kind lie in each interval; the last has no upper bound.
pub(super) struct Histogram {
    counts: [u64; COUNT + 1],
    sum: Sum,
}

impl Histogram {
    pub(super) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(super) fn sum(&self) -> Duration {
        Duration::from_secs_f64(self.sum / 1e9)
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
            sum: self.sum / 1e9 * bounds.second,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(microseconds: &[u64]) -> Histogram {
        let mut histograms = Histograms::<2>::default();
        for time in microseconds.iter().map(|time| Duration::from_micros(*time)) {
            histograms.add(1, &SECONDS, time);
        }
        assert_eq!(histograms.of(0).total(), 0);
        histograms.of(1)
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
