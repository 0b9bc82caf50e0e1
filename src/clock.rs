//! What time it is for functions.

use std::time::SystemTime;

/// What time it is: what the system says, unless a test says otherwise.
#[inline]
pub(crate) fn now() -> SystemTime {
    #[cfg(feature = "testing")]
    if let Some(now) = of_test::now() {
        return now;
    }
    SystemTime::now()
}

/// The clock of a test: it goes with tokio's, which stands still until nobody has anything to do.
#[cfg(feature = "testing")]
pub(crate) mod of_test {
    use std::cell::Cell;
    use std::time::SystemTime;

    use tokio::time::Instant;

    thread_local! {
        static SET: Cell<Option<(SystemTime, Instant)>> = const { Cell::new(None) };
    }

    pub(super) fn now() -> Option<SystemTime> {
        let (time, since) = SET.get()?;
        Some(time + since.elapsed())
    }

    /// Says that it is `time` on this thread, within a runtime of tokio, or what the system says.
    pub(crate) fn set(time: Option<SystemTime>) {
        SET.set(time.map(|time| (time, Instant::now())));
    }
}
