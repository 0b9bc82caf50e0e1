//! What a function connects to.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::Fault;

/// What a function connects to.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    Host(String, u16),
    Unix(PathBuf),
}

impl Target {
    /// A host of a name or address, or a Unix domain socket where `host` begins with `unix:`.
    pub(crate) fn new(host: &str, port: u16) -> Self {
        match host.get(..5) {
            Some(scheme) if scheme.eq_ignore_ascii_case("unix:") => Self::Unix(host[5..].into()),
            _ => Self::Host(host.to_owned(), port),
        }
    }

    /// Says what is wrong with it that need not be looked up, in nginx's words.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let (name, problem) = match self {
            Self::Unix(path) if path.as_os_str().is_empty() => {
                ("unix:", "no path in the unix domain socket")
            }
            Self::Host(host, _) if host.is_empty() => ("", "no host"),
            Self::Host(host, _) if host.contains('/') => (host.as_str(), "invalid host"),
            _ => return Ok(()),
        };
        Err(format!("failed to parse host name \"{name}\": {problem}").into())
    }
}

/// The address that `host` is, if it is one and no name.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.parse().ok()
}

/// An address to bind to: with a port or without.
pub(crate) fn local(text: &str, port: u16) -> Option<SocketAddr> {
    literal(text).map(|ip| SocketAddr::new(ip, port))
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
