//! Which routes are worth a look, without looking at the others.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::host::HostPattern;
use super::matcher::{Matcher, Path};
use super::query::Query;

/// Routes by host, and by path within a host. Each list has the better routes first.
#[derive(Default)]
pub(super) struct Index {
    hosts: HashMap<String, Paths, FxBuildHasher>,
    /// By `.example.com` of `*.example.com`.
    suffixes: HashMap<String, Paths, FxBuildHasher>,
    /// By `example.` of `example.*`.
    prefixes: HashMap<String, Paths, FxBuildHasher>,
    any_host: Paths,
    /// Whether a route is for some hosts alone.
    pub(super) asks_for_host: bool,
}

/// Routes by what their path begins with: the whole of it, or the literal start of an expression.
#[derive(Default)]
struct Paths {
    /// In the order of their texts.
    prefixes: Vec<Prefix>,
}

struct Prefix {
    text: Vec<u8>,
    /// The longest other prefix that this one begins with.
    parent: Option<usize>,
    entries: Vec<usize>,
}

impl Index {
    /// The index of `matchers`, the better ones first.
    pub(super) fn new<'a>(matchers: impl Iterator<Item = &'a Matcher>) -> Self {
        let mut index = Self::default();
        for (rank, matcher) in matchers.enumerate() {
            let text = literal_start(matcher);
            index.asks_for_host |= !matcher.hosts().is_empty();
            for host in matcher.hosts() {
                index.paths_of(&host.pattern).add(text.clone(), rank);
            }
            if matcher.hosts().is_empty() {
                index.any_host.add(text, rank);
            }
        }
        let wildcards = index.suffixes.values_mut().chain(index.prefixes.values_mut());
        index.hosts.values_mut().chain(wildcards).for_each(Paths::finish);
        index.any_host.finish();
        index
    }

    fn paths_of(&mut self, host: &HostPattern) -> &mut Paths {
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

    /// Hands lists of entries to `visit`: every entry that may match is in one.
    pub(super) fn visit<'a>(&'a self, query: &Query<'_>, mut visit: impl FnMut(&'a [usize])) {
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

impl Paths {
    fn add(&mut self, text: Vec<u8>, rank: usize) {
        self.prefixes.push(Prefix { text, parent: None, entries: vec![rank] });
    }

    /// Sorts what was added, and joins what has the same text.
    fn finish(&mut self) {
        // A stable sort: within a text, the better ones stay first.
        self.prefixes.sort_by(|one, other| one.text.cmp(&other.text));
        self.prefixes.dedup_by(|next, kept| {
            let same = next.text == kept.text;
            if same && next.entries.last() != kept.entries.last() {
                kept.entries.append(&mut next.entries);
            }
            same
        });
        self.prefixes.shrink_to_fit();
        let mut ancestors: Vec<usize> = Vec::new();
        for at in 0..self.prefixes.len() {
            while let Some(&last) = ancestors.last() {
                if self.prefixes[at].text.starts_with(&self.prefixes[last].text) {
                    break;
                }
                ancestors.pop();
            }
            self.prefixes[at].parent = ancestors.last().copied();
            ancestors.push(at);
        }
    }

    fn visit<'a>(&'a self, path: &[u8], visit: &mut impl FnMut(&'a [usize])) {
        let after = self.prefixes.partition_point(|prefix| prefix.text.as_slice() <= path);
        let mut next = after.checked_sub(1);
        while let Some(prefix) = next.map(|at| &self.prefixes[at]) {
            if path.starts_with(&prefix.text) {
                visit(&prefix.entries);
            }
            next = prefix.parent;
        }
    }
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
