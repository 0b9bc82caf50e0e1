//! Where a request goes, and how long it may take.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::{HOST, HeaderValue};
use http::uri::{Authority, Scheme};
use http::{Request, Uri};
use parking_lot::Mutex;
use tower_lua::Upstream;

use super::balancer::Place;
use super::router::split_port;
use super::timeouts::Timeouts;
use super::trust::Trust;
use crate::BoxError;
use crate::configured::entity::Service;

/// A service as requests are forwarded to it.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) target: Arc<Target>,
    pub(crate) timeouts: Timeouts,
    /// How often a connection is tried again.
    pub(crate) retries: u32,
    /// Whether the host is the name of an upstream.
    pub(crate) is_balanced: bool,
}

/// Whom a connection is made with, and how.
#[derive(Debug)]
pub(crate) struct Target {
    key: Key,
    /// The host, with the port unless it is the scheme's.
    authority: HeaderValue,
    /// Which address was connected to last.
    seen: Mutex<Option<SocketAddr>>,
}

/// What connections that can stand in for each other have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) host: Box<str>,
    pub(crate) port: u16,
    /// Whether, and how, the connection is encrypted.
    pub(crate) tls: Option<Tls>,
    pub(crate) http2: bool,
}

/// How a connection is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tls {
    pub(crate) verify: Verify,
    /// Who is asked for where that is not the host.
    pub(crate) name: Option<Arc<str>>,
    /// What the service says of it.
    pub(crate) trust: Option<Trust>,
}

/// Whether the certificate of a service must be good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Verify {
    Yes,
    No,
}

impl Plan {
    pub(crate) fn new(
        service: &Service,
        is_balanced: bool,
        trust: Option<Trust>,
    ) -> Result<Self, BoxError> {
        let protocol = service.protocol.as_str();
        let (is_tls, http2) = match protocol {
            "http" => (false, false),
            "https" => (true, false),
            "grpc" => (false, true),
            "grpcs" => (true, true),
            other => return Err(format!("protocol '{other}' is not supported").into()),
        };
        // Kong: does not verify unless it is told to.
        let verify = if service.tls_verify == Some(false) { Verify::No } else { Verify::Yes };
        let key = Key {
            host: service.host.as_str().into(),
            port: service.port,
            tls: is_tls.then_some(Tls { verify, name: None, trust }),
            http2,
        };
        Ok(Self {
            target: Arc::new(Target::new(key)?),
            timeouts: Timeouts::new(
                service.connect_timeout,
                service.write_timeout,
                service.read_timeout,
            ),
            retries: service.retries.into(),
            is_balanced,
        })
    }
}

impl Target {
    fn new(key: Key) -> Result<Self, BoxError> {
        let host = if key.host.contains(':') && !key.host.starts_with('[') {
            format!("[{}]", key.host)
        } else {
            key.host.to_string()
        };
        let default_port = if key.tls.is_some() { 443 } else { 80 };
        let authority =
            if key.port == default_port { host } else { format!("{host}:{}", key.port) };
        let checked: Authority =
            authority.parse().map_err(|_| format!("'{authority}' is not a host"))?;
        let (authority, seen) = (HeaderValue::from_str(checked.as_str())?, Mutex::default());
        Ok(Self { key, authority, seen })
    }

    /// What functions have made of a target, if anything.
    pub(crate) fn asked(before: &Self, upstream: &Upstream) -> Result<Option<Self>, BoxError> {
        let mut key = before.key.clone();
        if let Some((host, port)) = upstream.target() {
            (key.host, key.port) = (host.into(), port);
        }
        if let Some(name) = upstream.name() {
            key.host = name.into();
        }
        match (upstream.scheme(), &key.tls) {
            (Some("https"), None) => {
                key.tls = Some(Tls { verify: Verify::Yes, name: None, trust: None });
            }
            (Some("http"), Some(_)) => key.tls = None,
            _ => {}
        }
        if let (Some(verify), Some(tls)) = (upstream.tls_verify(), &mut key.tls) {
            tls.verify = if verify { Verify::Yes } else { Verify::No };
        }
        if key == before.key { Ok(None) } else { Self::new(key).map(Some) }
    }

    /// The same way to another host.
    pub(crate) fn at(&self, host: &str, port: u16) -> Result<Self, BoxError> {
        Self::new(Key { host: host.into(), port, ..self.key.clone() })
    }

    /// The same way to a target of an upstream, whose services are asked for by `host_header` if there
    /// is one.
    pub(crate) fn at_peer(
        &self,
        place: &Place,
        host_header: Option<&str>,
    ) -> Result<Self, BoxError> {
        let ip = place.peer.addr.ip().to_string();
        let is_ip = place.member.host().parse::<IpAddr>().is_ok();
        let of_member = if is_ip { &ip } else { place.member.host() };
        let (name, port) = host_header.map_or((of_member, None), split_port);
        let port = port.unwrap_or_else(|| place.peer.addr.port());
        let Self { mut key, authority, seen } =
            Self::new(Key { host: name.into(), port, ..self.key.clone() })?;
        if let Some(tls) = &mut key.tls {
            tls.name = Some(name.into());
        }
        (key.host, key.port) = (ip.into(), place.peer.addr.port());
        Ok(Self { key, authority, seen })
    }

    /// Makes `request`, which was for `before`, one for this target. A host that is not the other's
    /// name stays as it is.
    pub(crate) fn take_over<B>(&self, before: &Self, request: &mut Request<B>) {
        if request.headers().get(HOST) == Some(&before.authority) {
            request.headers_mut().insert(HOST, self.authority.clone());
        }
        let named = request.uri().authority().map(Authority::as_str);
        if named.is_some_and(|named| named.as_bytes() == before.authority.as_bytes()) {
            let mut parts = request.uri().clone().into_parts();
            parts.authority = Authority::try_from(self.authority.as_bytes()).ok();
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// Notes that `addr` was connected to.
    pub(crate) fn see(&self, addr: SocketAddr) {
        *self.seen.lock() = Some(addr);
    }

    /// Where requests go: for a name, which may have several addresses, to the last of them that was
    /// connected to.
    pub(crate) fn addr(&self) -> Option<SocketAddr> {
        let ip = self.key.host.trim_matches(['[', ']']).parse().ok();
        ip.map(|ip| SocketAddr::new(ip, self.key.port)).or(*self.seen.lock())
    }

    pub(crate) fn authority(&self) -> &HeaderValue {
        &self.authority
    }

    pub(crate) fn is_http2(&self) -> bool {
        self.key.http2
    }

    pub(crate) fn scheme(&self) -> Scheme {
        if self.key.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.key.host, self.key.port)
    }
}
