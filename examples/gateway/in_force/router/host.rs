//! Hosts: those of routes, and the one that a request names.

/// The host that a request names, in lower case, with its port or the scheme's.
#[derive(Clone, Copy)]
pub(crate) struct RequestHost<'a> {
    pub(super) name: &'a str,
    port: u16,
}

impl<'a> RequestHost<'a> {
    pub(crate) fn new(host: &'a str, is_tls: bool) -> Self {
        let (name, port) = split_port(host);
        Self { name, port: port.unwrap_or(if is_tls { 443 } else { 80 }) }
    }
}

/// A host of a route, in lower case.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) pattern: HostPattern,
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum HostPattern {
    Plain(String),
    /// `*.example.com`, without the asterisk.
    Suffix(String),
    /// `example.*`, without the asterisk.
    Prefix(String),
}

impl Host {
    pub(super) fn new(host: &str) -> Self {
        let host = host.to_ascii_lowercase();
        let (name, port) = split_port(&host);
        let pattern = if let Some(suffix) = name.strip_prefix('*') {
            HostPattern::Suffix(suffix.to_owned())
        } else if let Some(prefix) = name.strip_suffix('*') {
            HostPattern::Prefix(prefix.to_owned())
        } else {
            HostPattern::Plain(name.to_owned())
        };
        Self { pattern, port }
    }

    pub(super) fn matches(&self, host: &RequestHost<'_>) -> bool {
        let name = host.name;
        let named = match &self.pattern {
            HostPattern::Plain(wanted) => name == wanted,
            HostPattern::Suffix(suffix) => name.len() > suffix.len() && name.ends_with(suffix),
            HostPattern::Prefix(prefix) => name.len() > prefix.len() && name.starts_with(prefix),
        };
        named && self.port.is_none_or(|port| port == host.port)
    }
}

/// A host without its port and, around an IPv6 address, its brackets.
pub(crate) fn split_port(host: &str) -> (&str, Option<u16>) {
    if let Some(rest) = host.strip_prefix('[') {
        return match rest.split_once(']') {
            Some((name, after)) => (name, after.strip_prefix(':').and_then(|p| p.parse().ok())),
            None => (host, None),
        };
    }
    match host.split_once(':') {
        Some((name, "")) => (name, None),
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name, port.parse().ok())
        }
        _ => (host, None),
    }
}
