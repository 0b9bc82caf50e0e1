//! [`Failures`]: what has lately gone wrong in each function.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;
use tower_lua::{Error, FunctionsId, Phase, Plugin};

use super::published::Current;
use super::snapshot::Snapshot;

/// The last failures of each function, for who asks what has gone wrong.
///
/// What is kept is bounded, whatever functions do: so many failures of a function, so many functions, so
/// many bytes of what Lua says.
#[derive(Clone, Default)]
pub(crate) struct Failures {
    kept: Arc<Mutex<Kept>>,
    current: Current,
}

/// A function that failed for a request.
pub(crate) struct Failure {
    pub(crate) number: u64,
    pub(crate) at: Duration,
    /// How many there have been of this function that say the same, with this one.
    pub(crate) count: u64,
    pub(crate) kind: &'static str,
    /// The name of the set, as the log has it.
    pub(crate) set: String,
    pub(crate) plugin: Plugin,
    pub(crate) phase: Phase,
    /// The place among the functions of the phase, from 1.
    pub(crate) function: usize,
    pub(crate) message: String,
    pub(crate) traceback: String,
    pub(crate) position: Option<(String, usize)>,
    pub(crate) request_id: String,
}

/// The plugin that a function belongs to: its id and its name.
pub(crate) type Owner = (String, String);

#[derive(Default)]
struct Kept {
    number: u64,
    functions: HashMap<Function, Ring, FxBuildHasher>,
    /// The ids of the plugins that sets belonged to when the first failure was kept.
    owners: HashMap<FunctionsId, Option<Owner>, FxBuildHasher>,
}

/// A function: its set, and where it is there.
type Function = (FunctionsId, Phase, usize);

/// From the oldest to the newest.
type Ring = VecDeque<Arc<Failure>>;

/// How many failures of a function are kept.
const OF_A_FUNCTION: usize = 10;

/// How many functions have failures that are kept.
const FUNCTIONS: usize = 500;

/// How much of a message is kept, and of a traceback, in bytes.
const MESSAGE: usize = 1 << 10;
const TRACEBACK: usize = 2 << 10;

impl Failures {
    /// Those of the functions of `current`.
    pub(crate) fn new(current: Current) -> Self {
        Self { kept: Arc::default(), current }
    }

    /// Keeps a failure.
    pub(crate) fn keep(&self, error: &Error) {
        let (Some(set), Some(phase)) = (error.function_set_id(), error.phase()) else { return };
        let index = error.function_index().unwrap_or_default();
        let mut kept = self.kept.lock();
        kept.owners.entry(set).or_insert_with(|| owner_in(&self.current.load(), set));
        kept.add((set, phase, index), error);
    }

    /// All that are kept, the newest first, with the plugins that they are of. Those of plugins that are
    /// gone are forgotten.
    pub(crate) fn all(&self) -> Vec<(Option<Owner>, Arc<Failure>)> {
        let in_force = InForce::new(&self.current.load());
        let mut kept = self.kept.lock();
        kept.owners.retain(|set, owner| {
            if let Some(now) = in_force.owners.get(set) {
                *owner = Some(now.clone());
            }
            // A plugin that was changed has another set since.
            owner.as_ref().is_some_and(|(id, _)| in_force.ids.contains(id))
        });
        let Kept { functions, owners, .. } = &mut *kept;
        functions.retain(|(set, ..), _| owners.contains_key(set));
        let mut all: Vec<_> = kept
            .functions
            .iter()
            .flat_map(|((set, ..), ring)| {
                let owner = kept.owners.get(set).cloned().flatten();
                ring.iter().map(move |failure| (owner.clone(), Arc::clone(failure)))
            })
            .collect();
        drop(kept);
        all.sort_unstable_by_key(|(_, failure)| std::cmp::Reverse(failure.number));
        only_the_last(all)
    }
}

impl Kept {
    fn add(&mut self, function: Function, error: &Error) {
        self.number += 1;
        let number = self.number;
        if self.functions.len() >= FUNCTIONS && !self.functions.contains_key(&function) {
            self.forget_the_quietest();
        }
        let ring = self.functions.entry(function).or_default();
        let message = beginning(error.lua_message().unwrap_or_default(), MESSAGE);
        let alike = |failure: &&Arc<Failure>| failure.message == message;
        let before = ring.iter().rfind(alike).map_or(0, |failure| failure.count);
        if ring.len() >= OF_A_FUNCTION {
            make_room(ring);
        }
        let (set, phase) = (error.function_set().unwrap_or_default(), function.1);
        ring.push_back(Arc::new(Failure {
            number,
            at: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            count: before + 1,
            kind: kind_of(error),
            set: set.to_owned(),
            plugin: error.plugin().unwrap_or(Plugin::PreFunction),
            phase,
            function: function.2,
            message,
            traceback: beginning(error.traceback().unwrap_or_default().to_owned(), TRACEBACK),
            position: error.position().map(|(chunk, line)| (chunk.to_owned(), line)),
            request_id: error.request_id().unwrap_or_default().to_owned(),
        }));
    }

    /// Forgets the function whose last failure is the longest ago.
    fn forget_the_quietest(&mut self) {
        let last = |ring: &Ring| ring.back().map_or(0, |failure| failure.number);
        let quietest = self.functions.iter().min_by_key(|(_, ring)| last(ring));
        let Some(function) = quietest.map(|(function, _)| *function) else { return };
        self.functions.remove(&function);
        if !self.functions.keys().any(|(set, ..)| *set == function.0) {
            self.owners.remove(&function.0);
        }
    }
}

/// The plugins of now.
struct InForce {
    ids: HashSet<String>,
    owners: HashMap<FunctionsId, Owner>,
}

impl InForce {
    fn new(snapshot: &Snapshot) -> Self {
        let mut in_force = Self { ids: HashSet::new(), owners: HashMap::new() };
        for (plugin, functions) in snapshot.plugins() {
            in_force.ids.insert(plugin.id.clone());
            let owner = || (plugin.id.clone(), plugin.name.clone());
            in_force.owners.extend(functions.into_iter().map(|set| (set, owner())));
        }
        in_force
    }
}

/// The plugin in force that has a set.
fn owner_in(snapshot: &Snapshot, set: FunctionsId) -> Option<Owner> {
    let (plugin, _) = snapshot.plugins().find(|(_, functions)| functions.contains(&set))?;
    Some((plugin.id.clone(), plugin.name.clone()))
}

/// Of functions that were changed, no more than of others: the newest of all their versions.
fn only_the_last(
    mut failures: Vec<(Option<Owner>, Arc<Failure>)>,
) -> Vec<(Option<Owner>, Arc<Failure>)> {
    let mut counts: HashMap<_, usize> = HashMap::new();
    failures.retain(|(owner, failure)| {
        let Some((id, _)) = owner else { return true };
        let count = counts.entry((id.clone(), failure.phase, failure.function)).or_default();
        *count += 1;
        *count <= OF_A_FUNCTION
    });
    failures
}

/// Takes away the oldest failure that another says again, or the oldest: one that is seldom is not lost
/// among many that are all the same.
fn make_room(ring: &mut Ring) {
    let is_said_again = |at: &usize| {
        let message = &ring[*at].message;
        ring.iter().skip(at + 1).any(|later| later.message == *message)
    };
    let oldest = (0..ring.len()).find(is_said_again).unwrap_or(0);
    ring.remove(oldest);
}

fn kind_of(error: &Error) -> &'static str {
    match () {
        () if error.is_timeout() => "timeout",
        () if error.is_memory() => "memory",
        () if error.is_sandbox() => "sandbox",
        () if error.is_refused() => "refused",
        () => "runtime",
    }
}

/// As much of a text as `most` bytes hold.
fn beginning(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most).rfind(|&end| text.is_char_boundary(end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
    text
}
