//! [`Comparisons`]: the numbers of a plugin's functions and of its canary's, of the same time.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;
use serde_json::{Map, Value};
use tower_lua::FunctionsId;

use super::functions::{Functions, Place, Series, fields};
use crate::in_force::published::Current;

/// What had been counted of the plugins' own functions when their canaries came.
#[derive(Default)]
pub(super) struct Comparisons {
    before: Mutex<HashMap<Versions, Numbers, FxBuildHasher>>,
}

/// The plugin's own set of functions, and its canary's.
type Versions = [FunctionsId; 2];

type Numbers = BTreeMap<Place, Series>;

impl Comparisons {
    /// Begins those of canaries that are new, and ends those of canaries that are gone.
    pub(super) fn follow(&self, functions: &Functions, current: &Current) {
        let mut before = self.before.lock();
        // Looked at under the lock: who has seen less than another does not come after them.
        let versions: Vec<_> = current.load().versions().collect();
        before.retain(|known, _| versions.contains(known));
        for pair in versions {
            before.entry(pair).or_insert_with(|| functions.of_set(pair[0]));
        }
    }

    /// The numbers of both since there are two.
    pub(super) fn compare(
        &self,
        functions: &Functions,
        versions: Versions,
    ) -> [Map<String, Value>; 2] {
        let [mut stable, canary] = versions.map(|set| functions.of_set(set));
        let before = self.before.lock();
        for (place, earlier) in before.get(&versions).into_iter().flatten() {
            if let Some(series) = stable.get_mut(place) {
                *series = series.since(earlier);
            }
        }
        [stable, canary].map(|numbers| shown(&numbers))
    }
}

/// The numbers of all functions of a version together, and of each.
fn shown(numbers: &Numbers) -> Map<String, Value> {
    let mut all = Series::default();
    numbers.values().for_each(|series| all.join(series));
    let functions = numbers.iter().map(|((_, phase, index), series)| {
        let mut shown = fields([("phase", (*phase).into()), ("function", (*index).into())]);
        shown.extend(series.shown());
        Value::Object(shown)
    });
    let mut shown = all.shown();
    shown.insert("functions".to_owned(), functions.collect());
    shown
}
