//! [`Period`]: how long a limit is for, and when one by the clock began.

use std::time::SystemTime;

/// A length of time, and the windows of the clock with that length, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Period {
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Year,
}

const DAY: u64 = 86_400;

impl Period {
    /// All of them, the longest first.
    pub(super) const ALL: [Self; 6] =
        [Self::Year, Self::Month, Self::Day, Self::Hour, Self::Minute, Self::Second];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// How long it is. As in Kong, a month has 30 days and a year 365.
    pub(super) const fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => DAY,
            Self::Month => 30 * DAY,
            Self::Year => 365 * DAY,
        }
    }

    /// When the window began that `now` is in; both in seconds since 1970.
    pub(super) fn start(self, now: u64) -> u64 {
        match self {
            Self::Second | Self::Minute | Self::Hour | Self::Day => now - now % self.seconds(),
            Self::Month => (now / DAY - day_of(now / DAY).0) * DAY,
            Self::Year => (now / DAY - day_of(now / DAY).1) * DAY,
        }
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Which day of its month and which day of its year the day with this number since 1970 is, both
/// counted from 0.
fn day_of(day: u64) -> (u64, u64) {
    let is_leap =
        |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let (mut year, mut of_year) = (1970, day);
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if of_year < length {
            break;
        }
        of_year -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut of_month = of_year;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if of_month < length {
            break;
        }
        of_month -= length;
    }
    (of_month, of_year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_begin_where_the_calendar_says() {
        // 2024-02-29T13:14:15Z, the day after the 28th of a February with 29.
        let now = 1_709_212_455;
        for (period, start) in [
            (Period::Second, now),
            (Period::Minute, 1_709_212_440),
            (Period::Hour, 1_709_211_600),
            (Period::Day, 1_709_164_800),
            (Period::Month, 1_706_745_600),
            (Period::Year, 1_704_067_200),
        ] {
            assert_eq!(period.start(now), start, "{period:?}");
        }
        assert_eq!(Period::Month.start(1_709_251_200), 1_709_251_200);
        assert_eq!(Period::Year.start(1_735_689_599), 1_704_067_200);
        assert_eq!(Period::Year.start(1_735_689_600), 1_735_689_600);
    }
}
