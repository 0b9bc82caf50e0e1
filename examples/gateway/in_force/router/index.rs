//! Which routes are worth a look, without looking at the others.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::host::HostPattern;
use super::matcher::{Matcher, Path};
use super::query::Query;

/// Routes by host, and by path within a host. Each list has the better routes first.
#[derive(Default)]
pub(super) struct Index {
    hosts: ByHost<Paths>,
    /// By `.example.com` of `*.example.com`.
    suffixes: ByHost<Paths>,
    /// By `example.` of `example.*`.
    prefixes: ByHost<Paths>,
    any_host: Paths,
    /// Whether a route is for some hosts alone.
    pub(super) asks_for_host: bool,
}

type ByHost<T> = HashMap<String, T, FxBuildHasher>;

/// Routes by what their path begins with: the whole of it, or the literal start of an expression.
///
/// Of ten thousand prefixes a request looks at few places, for they are others each time and in no cache.
#[derive(Default)]
struct Paths {
    prefixes: HashMap<Box<[u8]>, Prefix, FxBuildHasher>,
    /// How long they are: each length once, the longest first.
    lengths: Vec<usize>,
    entries: Vec<u32>,
}

struct Prefix {
    /// Where its entries lie among those of all.
    entries: (u32, u32),
    /// How long the longest other prefix is that this one begins with, or [`NONE`].
    parent: u32,
}

const NONE: u32 = u32::MAX;

/// Prefixes with the ranks of their routes, the better ones first, as they are found.
type Ranked = Vec<(Vec<u8>, u32)>;

/// The same by host, as [`Index`] has them.
#[derive(Default)]
struct Gathered {
    hosts: ByHost<Ranked>,
    suffixes: ByHost<Ranked>,
    prefixes: ByHost<Ranked>,
    any_host: Ranked,
}

impl Index {
    /// The index of `matchers`, the better ones first.
    pub(super) fn new<'a>(matchers: impl Iterator<Item = &'a Matcher>) -> Self {
        let (mut gathered, mut asks_for_host) = (Gathered::default(), false);
        for (rank, matcher) in matchers.enumerate() {
            let (text, rank) = (literal_start(matcher), number(rank));
            asks_for_host |= !matcher.hosts().is_empty();
            for host in matcher.hosts() {
                gathered.of(&host.pattern).push((text.clone(), rank));
            }
            if matcher.hosts().is_empty() {
                gathered.any_host.push((text, rank));
            }
        }
        let paths = |by_host: ByHost<Ranked>| {
            by_host.into_iter().map(|(host, found)| (host, Paths::new(found))).collect()
        };
        Self {
            hosts: paths(gathered.hosts),
            suffixes: paths(gathered.suffixes),
            prefixes: paths(gathered.prefixes),
            any_host: Paths::new(gathered.any_host),
            asks_for_host,
        }
    }

    /// Hands lists of entries to `visit`: every entry that may match is in one.
    pub(super) fn visit<'a>(&'a self, query: &Query<'_>, mut visit: impl FnMut(&'a [u32])) {
        let host = query.host.name;
        if !self.hosts.is_empty() {
            self.hosts.get(host).iter().for_each(|paths| paths.visit(query.path, &mut visit));
        }
        if !(self.suffixes.is_empty() && self.prefixes.is_empty()) {
            for (dot, _) in host.match_indices('.') {
                let found = [self.suffixes.get(&host[dot..]), self.prefixes.get(&host[..=dot])];
                found.iter().flatten().for_each(|paths| paths.visit(query.path, &mut visit));
            }
        }
        self.any_host.visit(query.path, &mut visit);
    }
}

impl Gathered {
    fn of(&mut self, host: &HostPattern) -> &mut Ranked {
        match host {
            HostPattern::Plain(name) => self.hosts.entry(name.clone()).or_default(),
            HostPattern::Suffix(suffix) if suffix.starts_with('.') => {
                self.suffixes.entry(suffix.clone()).or_default()
            }
            HostPattern::Prefix(prefix) if prefix.ends_with('.') => {
                self.prefixes.entry(prefix.clone()).or_default()
            }
            // Wildcards within a label are not looked up by labels.
            HostPattern::Suffix(_) | HostPattern::Prefix(_) => &mut self.any_host,
        }
    }
}

impl Paths {
    fn new(mut found: Ranked) -> Self {
        // A stable sort: within a text, the better ones stay first.
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        // Of a route with several hosts of one kind.
        found.dedup();
        let mut paths = Self::default();
        let mut ancestors: Vec<&[u8]> = Vec::new();
        for same in found.chunk_by(|(one, _), (other, _)| one == other) {
            let text = &*same[0].0;
            while ancestors.pop_if(|last| !text.starts_with(last)).is_some() {}
            let parent = ancestors.last().map_or(NONE, |parent| number(parent.len()));
            ancestors.push(text);
            let start = number(paths.entries.len());
            paths.entries.extend(same.iter().map(|(_, rank)| *rank));
            let entries = (start, number(paths.entries.len()));
            paths.prefixes.insert(text.into(), Prefix { entries, parent });
            paths.lengths.push(text.len());
        }
        paths.lengths.sort_unstable_by(|one, other| other.cmp(one));
        paths.lengths.dedup();
        paths.lengths.shrink_to_fit();
        paths.entries.shrink_to_fit();
        paths
    }

    /// From the longest prefix that `path` begins with to the shortest.
    fn visit<'a>(&'a self, path: &[u8], visit: &mut impl FnMut(&'a [u32])) {
        let of_length = |length: usize| self.prefixes.get(path.get(..length)?);
        let mut next = self.lengths.iter().find_map(|length| of_length(*length));
        while let Some(Prefix { entries: (start, end), parent }) = next {
            visit(&self.entries[*start as usize..*end as usize]);
            next = (*parent != NONE).then(|| of_length(*parent as usize)).flatten();
        }
    }
}

/// A place or length: half of what it takes as it is.
pub(super) fn number(place: usize) -> u32 {
    u32::try_from(place).expect("all paths together have less than 4 GiB")
}

/// What every path begins with that the route matches.
fn literal_start(matcher: &Matcher) -> Vec<u8> {
    match &matcher.path {
        None => Vec::new(),
        Some(Path::Prefix(prefix)) => prefix.clone(),
        Some(Path::Regex(pattern)) => {
            let inside = pattern.as_str().strip_prefix("^(?:").and_then(|p| p.strip_suffix(')'));
            literal_start_of(inside.unwrap_or_default())
        }
    }
}

fn literal_start_of(pattern: &str) -> Vec<u8> {
    let mut literal = Vec::new();
    // Either side of an alternative may match, and so neither is sure.
    if pattern.contains('|') {
        return literal;
    }
    let bytes = pattern.strip_prefix('^').unwrap_or(pattern).as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let (byte, width) = match byte {
            b'\\' => match bytes.get(at + 1) {
                Some(escaped) if escaped.is_ascii_punctuation() => (*escaped, 2),
                _ => break,
            },
            b'.' | b'+' | b'(' | b')' | b'[' | b']' | b'^' | b'$' | b'*' | b'?' | b'{' => break,
            // A quantifier would take back no more than one byte: letters beyond ASCII stop here.
            other if !other.is_ascii() => break,
            other => (other, 1),
        };
        if matches!(bytes.get(at + width), Some(b'*' | b'?' | b'{')) {
            break;
        }
        literal.push(byte);
        at += width;
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::literal_start_of;

    #[test]
    fn the_start_of_an_expression_is_known_up_to_its_first_choice() {
        for (pattern, literal) in [
            (r"/v1/users/\d+$", "/v1/users/"),
            ("/users?/x", "/user"),
            ("/a+b", "/a"),
            (r"/a\.b/(?<id>x)", "/a.b/"),
            ("/a|/b", ""),
            ("^/a$", "/a"),
            ("(?i)/a", ""),
        ] {
            assert_eq!(literal_start_of(pattern), literal.as_bytes(), "{pattern}");
        }
    }
}
