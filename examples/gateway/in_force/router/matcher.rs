//! Whether a route matches a request.

use http::HeaderMap;
use http::header::HeaderName;
use regex::bytes::{Captures, Regex, RegexBuilder};

use super::host::Host;
use super::query::Query;
use crate::BoxError;
use crate::configured::entity::Route;

/// What a request must have for a route with one of its paths.
pub(super) struct Matcher {
    hosts: Vec<Host>,
    headers: Vec<Header>,
    pub(super) path: Option<Path>,
    methods: Vec<String>,
    snis: Vec<String>,
}

struct Header {
    name: HeaderName,
    /// In lower case.
    values: Vec<Vec<u8>>,
    /// The only value, where it begins with `~*`.
    pattern: Option<Regex>,
}

pub(super) enum Path {
    Prefix(Vec<u8>),
    Regex(Regex),
}

impl Matcher {
    pub(super) fn new(route: &Route, path: Option<&str>) -> Result<Self, BoxError> {
        let list = |field: &Option<Vec<String>>| field.clone().unwrap_or_default();
        let headers = route.header_criteria().map(|(name, values)| Header::new(name, values));
        Ok(Self {
            hosts: list(&route.hosts).iter().map(|host| Host::new(host)).collect(),
            headers: headers.collect::<Result<_, _>>()?,
            path: path.map(Path::new).transpose()?,
            methods: list(&route.methods).iter().map(|name| name.to_ascii_uppercase()).collect(),
            snis: list(&route.snis).iter().map(|name| without_root(name).to_owned()).collect(),
        })
    }

    pub(super) fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// What a path must begin with, if nothing else is asked of a request.
    pub(super) fn only_prefix(&self) -> Option<&[u8]> {
        let Self { hosts, headers, path, methods, snis } = self;
        let asks_more =
            !(hosts.is_empty() && headers.is_empty() && methods.is_empty() && snis.is_empty());
        match path {
            Some(Path::Prefix(prefix)) if !asks_more => Some(prefix),
            _ => None,
        }
    }

    pub(super) fn matches(&self, query: &Query<'_>) -> bool {
        let method = || self.methods.is_empty() || self.methods.iter().any(|m| m == query.method);
        let path = || self.path.as_ref().is_none_or(|path| path.matches(query.path));
        let headers = || self.headers.iter().all(|header| header.matches(query.headers));
        method() && self.matches_host(query) && path() && self.matches_sni(query) && headers()
    }

    fn matches_host(&self, query: &Query<'_>) -> bool {
        let host = &query.host;
        self.hosts.is_empty() || self.hosts.iter().any(|wanted| wanted.matches(host))
    }

    fn matches_sni(&self, query: &Query<'_>) -> bool {
        // As Kong does: who comes without TLS has no server name to give.
        self.snis.is_empty()
            || !query.is_tls
            || query.sni.is_some_and(|sni| self.snis.iter().any(|wanted| wanted == sni))
    }
}

/// A server name without the dot of the root.
fn without_root(name: &str) -> &str {
    name.strip_suffix('.').filter(|name| !name.is_empty()).unwrap_or(name)
}

impl Header {
    fn new(name: &str, values: &[String]) -> Result<Self, BoxError> {
        let pattern = match values {
            [only] => only.strip_prefix("~*").map(compile).transpose()?,
            _ => None,
        };
        Ok(Self {
            name: name.parse().map_err(|_| format!("'{name}' is not the name of a header"))?,
            values: values.iter().map(|value| value.to_ascii_lowercase().into_bytes()).collect(),
            pattern,
        })
    }

    fn matches(&self, headers: &HeaderMap) -> bool {
        headers.get_all(&self.name).iter().any(|value| {
            let value = value.as_bytes().to_ascii_lowercase();
            self.values.contains(&value)
                || self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(&value))
        })
    }
}

impl Path {
    fn new(path: &str) -> Result<Self, BoxError> {
        Ok(match path.strip_prefix('~') {
            Some(pattern) => Self::Regex(compile(&format!("^(?:{pattern})"))?),
            None => Self::Prefix(path.as_bytes().to_vec()),
        })
    }

    fn matches(&self, path: &[u8]) -> bool {
        match self {
            Self::Prefix(prefix) => path.starts_with(prefix),
            Self::Regex(pattern) => pattern.is_match(path),
        }
    }

    /// How many bytes of `path` are matched, and what the groups of a regular expression caught.
    pub(super) fn capture<'p>(&self, path: &'p [u8]) -> (usize, Option<(&Regex, Captures<'p>)>) {
        match self {
            Self::Prefix(prefix) => (prefix.len(), None),
            Self::Regex(pattern) => match pattern.captures(path) {
                Some(captures) => (captures[0].len(), Some((pattern, captures))),
                None => (0, None),
            },
        }
    }
}

/// Compiles a regular expression over bytes, as PCRE without its UTF mode is.
fn compile(pattern: &str) -> Result<Regex, BoxError> {
    let compiled = RegexBuilder::new(pattern).unicode(false).size_limit(SIZE_LIMIT).build();
    compiled.map_err(|error| format!("regular expression '{pattern}': {error}").into())
}

/// What one regular expression may take of memory, in bytes.
const SIZE_LIMIT: usize = 1 << 20;
