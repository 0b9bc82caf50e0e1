//! [`Threshold`]: how many entries there may be before those that are gone are looked for.

/// How many there may be: twice as many as were left the last time. So however many there are, to look
/// through all of them costs each that has come the same.
pub(super) struct Threshold(usize);

const FEWEST: usize = 256;

impl Default for Threshold {
    fn default() -> Self {
        Self(FEWEST)
    }
}

impl Threshold {
    pub(super) const fn is_passed_by(&self, count: usize) -> bool {
        count > self.0
    }

    /// Notes how many are left that are not gone.
    pub(super) fn keep(&mut self, count: usize) {
        self.0 = FEWEST.max(2 * count);
    }
}
