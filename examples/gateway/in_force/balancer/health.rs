//! [`Health`]: whether a peer is well, by what was reported of it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::configured::upstream::{Healthy, Unhealthy};

/// Whether a peer is well, and what may change that.
#[derive(Debug, Default)]
pub(crate) struct Health {
    is_ill: AtomicBool,
    /// How many there were of each [`Report`] in a row, a byte for each: none counts beyond 255.
    counts: AtomicU32,
}

/// What has become of a request, or of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    Success,
    /// There was no connection, or it broke.
    TcpFailure,
    /// A status that is none to be proud of.
    HttpFailure,
    Timeout,
}

/// How many reports in a row change something; none of a kind whose limit is 0.
pub(crate) struct Limits {
    successes: u8,
    tcp_failures: u8,
    http_failures: u8,
    timeouts: u8,
}

impl Health {
    pub(crate) fn is_well(&self) -> bool {
        !self.is_ill.load(Ordering::Relaxed)
    }

    /// Says how it is, whatever was reported. Whether that is news.
    pub(crate) fn set(&self, is_well: bool) -> bool {
        self.counts.store(0, Ordering::Relaxed);
        self.is_ill.swap(!is_well, Ordering::Relaxed) == is_well
    }

    /// Counts a report: how the peer is from now on, if that is news.
    ///
    /// A success ends what there was of failures, and a failure ends what there was of successes.
    //
    // Kong: counts successes only where they have a limit, so that its failures need not be in a row.
    pub(crate) fn report(&self, report: Report, limits: &Limits) -> Option<bool> {
        let is_success = report == Report::Success;
        if is_success == self.is_well() {
            // Most reports find all as it was, and write nothing.
            if self.counts.load(Ordering::Relaxed) != 0 {
                self.counts.store(0, Ordering::Relaxed);
            }
            return None;
        }
        let own = |counts: u32| counts.to_le_bytes()[report as usize].saturating_add(1);
        let count = |counts: u32| {
            let mut bytes = counts.to_le_bytes();
            bytes[report as usize] = own(counts);
            Some(u32::from_le_bytes(bytes))
        };
        let (store, load) = (Ordering::Relaxed, Ordering::Relaxed);
        let (Ok(before) | Err(before)) = self.counts.fetch_update(store, load, count);
        let limit = limits.of(report);
        let is_over = limit > 0 && own(before) >= limit;
        (is_over && self.set(is_success)).then_some(is_success)
    }
}

impl Limits {
    pub(crate) const fn new(healthy: &Healthy, unhealthy: &Unhealthy) -> Self {
        Self {
            successes: healthy.successes,
            tcp_failures: unhealthy.tcp_failures,
            http_failures: unhealthy.http_failures,
            timeouts: unhealthy.timeouts,
        }
    }

    const fn of(&self, report: Report) -> u8 {
        match report {
            Report::Success => self.successes,
            Report::TcpFailure => self.tcp_failures,
            Report::HttpFailure => self.http_failures,
            Report::Timeout => self.timeouts,
        }
    }
}

impl Report {
    /// What a status says, if it says anything.
    pub(crate) fn of_status(status: u16, healthy: &Healthy, unhealthy: &Unhealthy) -> Option<Self> {
        if healthy.http_statuses.contains(&status) {
            return Some(Self::Success);
        }
        unhealthy.http_statuses.contains(&status).then_some(Self::HttpFailure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { successes: 2, tcp_failures: 3, http_failures: 0, timeouts: 1 };

    #[test]
    fn as_many_failures_as_the_limit_make_a_peer_ill_and_successes_make_it_well() {
        let health = Health::default();
        assert_eq!(health.report(Report::TcpFailure, &LIMITS), None);
        assert_eq!(health.report(Report::TcpFailure, &LIMITS), None);
        assert_eq!(health.report(Report::TcpFailure, &LIMITS), Some(false));
        assert!(!health.is_well());
        assert_eq!(health.report(Report::Success, &LIMITS), None);
        assert_eq!(health.report(Report::Success, &LIMITS), Some(true));
        assert!(health.is_well());
    }

    #[test]
    fn a_success_ends_a_row_of_failures_and_a_failure_one_of_successes() {
        let health = Health::default();
        for report in [Report::TcpFailure, Report::TcpFailure, Report::Success] {
            assert_eq!(health.report(report, &LIMITS), None);
        }
        assert_eq!(health.report(Report::TcpFailure, &LIMITS), None);
        assert_eq!(health.report(Report::Timeout, &LIMITS), Some(false));
        for report in [Report::Success, Report::TcpFailure, Report::Success] {
            assert_eq!(health.report(report, &LIMITS), None);
        }
        assert_eq!(health.report(Report::Success, &LIMITS), Some(true));
    }

    #[test]
    fn what_has_no_limit_changes_nothing() {
        let health = Health::default();
        for _ in 0..1000 {
            assert_eq!(health.report(Report::HttpFailure, &LIMITS), None);
        }
        assert!(health.is_well());
    }

    #[test]
    fn what_is_said_counts_more_than_what_was_reported() {
        let health = Health::default();
        assert!(health.set(false) && !health.set(false) && health.set(true));
        assert_eq!(health.report(Report::Timeout, &LIMITS), Some(false));
    }
}
