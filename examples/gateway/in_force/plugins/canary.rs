//! [`Versions`]: the functions of a plugin, and perhaps others that some requests get in their place.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::Mutex;
use tower_lua::{FunctionsId, Runtime};

use super::functions::PluginFunctions;
use crate::BoxError;
use crate::configured::entities::Document;
use crate::configured::entity;

/// The functions of a plugin.
#[derive(Clone)]
pub(crate) struct Versions {
    pub(crate) stable: PluginFunctions,
    /// Those that some requests get in their place.
    pub(crate) canary: Option<Arc<Canary>>,
}

/// A version that is tried on some requests.
pub(crate) struct Canary {
    document: Arc<Document>,
    /// By which it is known, however it changes.
    id: Box<str>,
    functions: PluginFunctions,
    choice: Choice,
    counts: Arc<Counts>,
}

/// Which requests get it.
enum Choice {
    /// So many of a hundred.
    Percent(u64),
    /// Those with a header, of this value if there is one.
    Header(HeaderName, Option<HeaderValue>),
}

/// How many requests there were to choose for, and what they got.
#[derive(Default)]
struct Counts {
    turns: AtomicU64,
    stable: AtomicU64,
    canary: AtomicU64,
}

/// What is chosen for one request: all its phases get the same version.
pub(crate) struct Choices {
    /// The canaries that its headers ask for, as the client has sent them.
    asked_for: Box<[Box<str>]>,
    /// What has been chosen, by the ids of canaries. A request meets few of them.
    made: Mutex<Vec<(Box<str>, bool)>>,
}

impl Versions {
    pub(crate) const fn of(stable: PluginFunctions) -> Self {
        Self { stable, canary: None }
    }

    /// No functions.
    pub(super) fn none() -> Self {
        Self::of(PluginFunctions::none())
    }

    /// The functions for a request, for which there are choices where there are canaries.
    pub(crate) fn chosen(&self, choices: Option<&Choices>) -> &PluginFunctions {
        match (&self.canary, choices) {
            (Some(canary), Some(choices)) if choices.take(canary) => &canary.functions,
            _ => &self.stable,
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &PluginFunctions> {
        [&self.stable].into_iter().chain(self.canary.iter().map(|canary| &canary.functions))
    }

    /// The same functions with another canary, or none. One that is only for other requests than before keeps
    /// the state of its functions.
    ///
    /// # Errors
    ///
    /// When its functions do not compile.
    pub(super) fn with_canary(
        &self,
        canary: Option<&Arc<Document>>,
        label: &str,
        runtime: &Runtime,
    ) -> Result<Self, BoxError> {
        let known = self.canary.as_deref();
        let make = |document| Canary::new(document, known, label, runtime).map(Arc::new);
        let canary = canary.map(make).transpose()?;
        Ok(Self { stable: self.stable.clone(), canary })
    }
}

impl Canary {
    fn new(
        document: &Arc<Document>,
        known: Option<&Self>,
        label: &str,
        runtime: &Runtime,
    ) -> Result<Self, BoxError> {
        let entity = document.canary().ok_or("no canary")?;
        let (choice, config) = (Choice::of(entity)?, document.config());
        let known = known.filter(|known| *known.id == *entity.id);
        let same = known.filter(|known| known.document.config() == config);
        let functions = match same {
            Some(known) => known.functions.clone(),
            None => PluginFunctions::new(&format!("{label} canary"), &config, &[], runtime)?,
        };
        let counts = same.map(|known| Arc::clone(&known.counts)).unwrap_or_default();
        let (document, id) = (Arc::clone(document), entity.id.as_str().into());
        Ok(Self { document, id, functions, choice, counts })
    }

    /// Which set of functions it is.
    pub(crate) fn functions(&self) -> FunctionsId {
        self.functions.id()
    }

    /// Whether it was made of this very document.
    pub(super) fn is_of(&self, document: &Arc<Document>) -> bool {
        Arc::ptr_eq(&self.document, document)
    }

    /// How many requests got the functions of the plugin, and how many these.
    pub(crate) fn counts(&self) -> [u64; 2] {
        [&self.counts.stable, &self.counts.canary].map(|count| count.load(Ordering::Relaxed))
    }

    /// Whether a request is to get it, of which is known whether it asks for it.
    fn draw(&self, is_asked_for: bool) -> bool {
        let is_chosen = match self.choice {
            Choice::Percent(percent) => {
                has_turn(self.counts.turns.fetch_add(1, Ordering::Relaxed), percent)
            }
            Choice::Header(..) => is_asked_for,
        };
        let count = if is_chosen { &self.counts.canary } else { &self.counts.stable };
        count.fetch_add(1, Ordering::Relaxed);
        is_chosen
    }
}

impl Choice {
    fn of(canary: &entity::Canary) -> Result<Self, BoxError> {
        if let Some(percent) = canary.percent {
            return Ok(Self::Percent(percent));
        }
        let name = canary.header.name.as_deref().unwrap_or_default();
        // No header has blanks around its value.
        let value = canary.header.value.as_deref().map(|value| HeaderValue::from_str(value.trim()));
        let value = value.transpose().map_err(|_| "header.value: no value of a header")?;
        let name = HeaderName::try_from(name).map_err(|_| "header.name: no name of a header")?;
        Ok(Self::Header(name, value))
    }

    fn is_asked_for(&self, headers: &HeaderMap) -> bool {
        let Self::Header(name, value) = self else { return false };
        let mut values = headers.get_all(name).iter();
        values.any(|given| value.as_ref().is_none_or(|value| value == given))
    }
}

impl Choices {
    /// The choices of a request with these headers; none, where there are no canaries.
    pub(crate) fn new(canaries: &[Arc<Canary>], headers: &HeaderMap) -> Option<Box<Self>> {
        if canaries.is_empty() {
            return None;
        }
        let asked_for = canaries.iter().filter(|canary| canary.choice.is_asked_for(headers));
        let asked_for = asked_for.map(|canary| canary.id.clone()).collect();
        Some(Box::new(Self { asked_for, made: Mutex::default() }))
    }

    /// Whether the request gets a canary: what is said once is said again.
    fn take(&self, canary: &Canary) -> bool {
        let mut made = self.made.lock();
        if let Some((_, is_chosen)) = made.iter().find(|(id, _)| *id == canary.id) {
            return *is_chosen;
        }
        let is_chosen = canary.draw(self.asked_for.contains(&canary.id));
        made.push((canary.id.clone(), is_chosen));
        is_chosen
    }
}

/// Whether the request of the number `turn` is one of `percent` of a hundred.
///
/// Of a hundred requests in a row so many are, and the first of all is. They are spread as if by chance: else
/// a client that asks for ten things in turn would get the canary for the same one always.
fn has_turn(turn: u64, percent: u64) -> bool {
    let (hundred, place) = (turn / 100, turn % 100);
    let shift = hundred.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    (place * 61 + shift) % 100 < percent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_hundred_requests_as_many_have_their_turn_as_are_wanted() {
        for percent in [1, 7, 10, 50, 99, 100] {
            for hundred in 0..20 {
                let turns = hundred * 100..(hundred + 1) * 100;
                let chosen = turns.filter(|turn| has_turn(*turn, percent)).count();
                assert_eq!(chosen as u64, percent, "of hundred {hundred}");
            }
        }
    }

    #[test]
    fn the_first_request_has_its_turn() {
        assert!(has_turn(0, 1));
    }

    #[test]
    fn requests_that_come_in_a_circle_have_their_turn_alike() {
        for length in [2, 5, 10, 20] {
            for place in 0..length {
                let turns = (0..10_000).filter(|turn| turn % length == place);
                let chosen = turns.filter(|turn| has_turn(*turn, 20)).count() as u64;
                let fair = 2000 / length;
                assert!(
                    chosen.abs_diff(fair) * 5 <= fair,
                    "{chosen} of {fair} for {place}/{length}"
                );
            }
        }
    }
}
