//! Which route a request takes: Kong's traditional router.
//!
//! A [`Router`] is made once for each change of the routes and never changed, so that any number of
//! workers ask it at a time. It asks only those routes whose host and path begin as the request's do.

mod host;
mod index;
mod matcher;
mod precedence;
mod query;

use std::collections::HashSet;
use std::sync::Arc;

use tower_lua::UriCaptures;

pub(crate) use self::host::{RequestHost, split_port};
use self::index::{Index, number};
use self::matcher::Matcher;
use self::precedence::Precedence;
pub(crate) use self::query::Query;
use crate::BoxError;
use crate::configured::entity::Route;

/// All routes, ready to be asked.
#[derive(Default)]
pub(crate) struct Router {
    /// The better ones first.
    entries: Vec<Entry>,
    /// What a request looks at of each of them: close together, as in the index.
    places: Vec<Place>,
    index: Index,
}

/// Where a route is among those that the router was made of, and whether its path says all of whether it
/// matches.
struct Place {
    route: u32,
    asks: Asks,
}

enum Asks {
    /// For a path that begins so, of this many bytes, as the index knows.
    Prefix(u32),
    Everything,
}

/// A route with one of its paths.
#[derive(Clone)]
struct Entry {
    precedence: Precedence,
    matcher: Arc<Matcher>,
    route: Arc<Route>,
    /// The place of the route among those that the router was made of.
    place: usize,
}

/// The answer of a router.
#[derive(Debug)]
pub(crate) struct Found {
    /// The place of the route among those that the router was made of.
    pub(crate) route: usize,
    /// How many bytes of the path were matched, if the route has paths.
    pub(crate) prefix: Option<usize>,
    pub(crate) captures: Option<UriCaptures>,
}

impl Router {
    /// A router of `routes`, which are at the places that they have there.
    ///
    /// # Errors
    ///
    /// When a regular expression of a route is none, or a header's name.
    pub(crate) fn new(routes: &[Arc<Route>]) -> Result<Self, BoxError> {
        Self::default().changed(&HashSet::new(), routes.iter().enumerate())
    }

    /// The router without the routes of some places, and with others.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub(crate) fn changed<'a>(
        &self,
        gone: &HashSet<usize>,
        added: impl IntoIterator<Item = (usize, &'a Arc<Route>)>,
    ) -> Result<Self, BoxError> {
        let kept = self.entries.iter().filter(|entry| !gone.contains(&entry.place));
        let mut entries: Vec<_> = kept.cloned().collect();
        for (place, route) in added {
            let paths = route.paths.iter().flatten().map(|path| Some(path.as_str()));
            let paths: Vec<_> = paths.collect();
            for path in if paths.is_empty() { vec![None] } else { paths } {
                let matcher = Arc::new(Matcher::new(route, path)?);
                let precedence = Precedence::of(route, path);
                entries.push(Entry { precedence, matcher, route: Arc::clone(route), place });
            }
        }
        // Stable: of the paths of a route that are equal in everything, the first.
        entries.sort_by(|one, other| {
            let ids = || one.route.id.cmp(&other.route.id);
            one.precedence.cmp(&other.precedence).then_with(ids)
        });
        entries.shrink_to_fit();
        let index = Index::new(entries.iter().map(|entry| &*entry.matcher));
        let places = entries.iter().map(Place::of).collect();
        Ok(Self { entries, places, index })
    }

    /// Whether it matters which host a request is for.
    pub(crate) fn asks_for_host(&self) -> bool {
        self.index.asks_for_host
    }

    /// The best of the routes that match.
    pub(crate) fn find(&self, query: &Query<'_>) -> Option<Found> {
        let mut best = usize::MAX;
        self.index.visit(query, |ranks| {
            let better = ranks.iter().map(|rank| *rank as usize).take_while(|rank| *rank < best);
            let matching = |rank: &usize| match self.places[*rank].asks {
                Asks::Prefix(_) => true,
                Asks::Everything => self.entries[*rank].matcher.matches(query),
            };
            best = { better }.find(matching).unwrap_or(best);
        });
        let place = self.places.get(best)?;
        if let Asks::Prefix(length) = place.asks {
            let (route, prefix) = (place.route as usize, Some(length as usize));
            return Some(Found { route, prefix, captures: None });
        }
        let entry = &self.entries[best];
        let Some(path) = &entry.matcher.path else {
            return Some(Found { route: entry.place, prefix: None, captures: None });
        };
        let (prefix, captured) = path.capture(query.path);
        let captures = captured.and_then(|(pattern, captures)| {
            // Without groups there is nothing to tell.
            (captures.len() > 1).then(|| captures_of(pattern, &captures))
        });
        Some(Found { route: entry.place, prefix: Some(prefix), captures })
    }
}

impl Place {
    fn of(entry: &Entry) -> Self {
        let asks = match entry.matcher.only_prefix() {
            Some(prefix) => Asks::Prefix(number(prefix.len())),
            None => Asks::Everything,
        };
        Self { route: number(entry.place), asks }
    }
}

fn captures_of(
    pattern: &regex::bytes::Regex,
    captures: &regex::bytes::Captures<'_>,
) -> UriCaptures {
    let mut found = UriCaptures::default();
    for (name, group) in pattern.capture_names().zip(captures.iter()).skip(1) {
        let value = group.map_or(&b""[..], |group| group.as_bytes());
        let value = String::from_utf8_lossy(value);
        found = found.with_unnamed(value.clone());
        if let Some(name) = name {
            found = found.with_named(name, value);
        }
    }
    found
}
