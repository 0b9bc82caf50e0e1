//! [`Family`]: numbers of one name, before anybody writes them in some format.

/// Numbers of one name.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) kind: Kind,
    pub(crate) points: Vec<Point>,
}

/// What becomes of a number in the course of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It rises.
    Counter,
    Gauge,
    Histogram,
}

/// A number with its labels. An empty label is none.
pub(crate) struct Point {
    pub(crate) labels: Labels,
    pub(crate) value: Value,
}

pub(crate) type Labels = Vec<(&'static str, String)>;

pub(crate) enum Value {
    Number(f64),
    /// How many lie in each interval, and the sum of all.
    Histogram {
        /// Upper bounds: one fewer than there are intervals.
        bounds: &'static [f64],
        counts: Vec<u64>,
        sum: f64,
    },
}

impl Family {
    pub(crate) const fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self { name, help, kind, points: Vec::new() }
    }

    /// Adds a number.
    pub(crate) fn number(&mut self, labels: Labels, value: f64) {
        self.points.push(Point { labels, value: Value::Number(value) });
    }

    /// The same of a family with no more than this.
    pub(crate) fn of_one(name: &'static str, kind: Kind, help: &'static str, value: f64) -> Self {
        let mut family = Self::new(name, kind, help);
        family.number(Vec::new(), value);
        family
    }
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "Prometheus' numbers are floats")]
pub(crate) const fn count(count: u64) -> f64 {
    count as f64
}

/// The same of what there is in memory.
pub(crate) const fn size(count: usize) -> f64 {
    self::count(count as u64)
}

/// Labels with fixed names.
pub(crate) fn labels(labels: &[(&'static str, &str)]) -> Labels {
    labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}
