//! Which of two routes that both match a request gets it: Kong's traditional order.

use std::cmp::Reverse;

use super::host::split_port;
use crate::configured::entity::Route;

/// The rank of a route: the least one wins. The fields are compared in their order.
///
/// Greater is better for all that is in [`Reverse`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Precedence {
    /// How many kinds of criteria the route has.
    criteria: Reverse<u32>,
    /// Which ones: a bit each, in the order of [`Criteria`].
    categories: Reverse<u8>,
    /// Wildcard hosts with a port, plain hosts alone, a regular expression as path.
    details: Reverse<u8>,
    /// The number of headers.
    headers: Reverse<usize>,
    /// Of routes whose path is a regular expression, `regex_priority`.
    regex_priority: Reverse<i64>,
    /// The length of a path that is no regular expression.
    path_length: Reverse<usize>,
    /// The older one.
    created_at: i64,
}

/// The bits of the kinds of criteria.
struct Criteria;

impl Criteria {
    const HOST: u8 = 0x40;
    const HEADER: u8 = 0x20;
    const URI: u8 = 0x10;
    const METHOD: u8 = 0x08;
    const SNI: u8 = 0x04;
}

/// The bits of what matters within a kind.
struct Details;

impl Details {
    const WILDCARD_HOST_WITH_PORT: u8 = 4;
    const PLAIN_HOSTS_ONLY: u8 = 2;
    const REGEX_URI: u8 = 1;
}

impl Precedence {
    /// The rank of `route` with this one of its paths.
    pub(crate) fn of(route: &Route, path: Option<&str>) -> Self {
        let headers = route.header_criteria().count();
        let regex = path.is_some_and(|path| path.starts_with('~'));
        let categories = [
            (!hosts(route).is_empty(), Criteria::HOST),
            (headers > 0, Criteria::HEADER),
            (path.is_some(), Criteria::URI),
            (route.methods.as_ref().is_some_and(|methods| !methods.is_empty()), Criteria::METHOD),
            (route.snis.as_ref().is_some_and(|snis| !snis.is_empty()), Criteria::SNI),
        ];
        let categories = bits(&categories);
        let wildcard = |host: &String| host.contains('*');
        let with_port = |host: &String| wildcard(host) && has_port(host);
        let details = bits(&[
            (hosts(route).iter().any(with_port), Details::WILDCARD_HOST_WITH_PORT),
            (
                !hosts(route).is_empty() && !hosts(route).iter().any(wildcard),
                Details::PLAIN_HOSTS_ONLY,
            ),
            (regex, Details::REGEX_URI),
        ]);
        Self {
            criteria: Reverse(categories.count_ones()),
            categories: Reverse(categories),
            details: Reverse(details),
            headers: Reverse(headers),
            regex_priority: Reverse(if regex { route.regex_priority } else { 0 }),
            path_length: Reverse(path.filter(|_| !regex).map_or(0, str::len)),
            created_at: route.created_at,
        }
    }
}

fn bits(flags: &[(bool, u8)]) -> u8 {
    flags.iter().filter(|(is_set, _)| *is_set).map(|(_, bit)| bit).sum()
}

fn hosts(route: &Route) -> &[String] {
    route.hosts.as_deref().unwrap_or_default()
}

fn has_port(host: &str) -> bool {
    split_port(host).1.is_some()
}
