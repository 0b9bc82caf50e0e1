//! Where a request goes, and how long it may take.

use std::fmt;
use std::sync::Arc;

use http::header::{HOST, HeaderValue};
use http::uri::{Authority, Scheme};
use http::{Request, Uri};
use tower_lua::Upstream;

use super::timeouts::Timeouts;
use crate::BoxError;
use crate::configured::entity::Service;

/// A service as requests are forwarded to it.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) target: Arc<Target>,
    pub(crate) timeouts: Timeouts,
    /// How often a connection is tried again.
    pub(crate) retries: u32,
}

/// Whom a connection is made with, and how.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    key: Key,
    /// The host, with the port unless it is the scheme's.
    authority: HeaderValue,
}

/// What connections that can stand in for each other have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) host: Box<str>,
    pub(crate) port: u16,
    /// Whether, and how, the connection is encrypted.
    pub(crate) tls: Option<Verify>,
    pub(crate) http2: bool,
}

/// Whether the certificate of a service must be good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Verify {
    Yes,
    No,
}

impl Plan {
    pub(crate) fn new(service: &Service) -> Result<Self, BoxError> {
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
            tls: is_tls.then_some(verify),
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
        Ok(Self { authority: HeaderValue::from_str(checked.as_str())?, key })
    }

    /// What functions have made of a target, if anything.
    pub(crate) fn asked(before: &Self, upstream: &Upstream) -> Result<Option<Self>, BoxError> {
        let mut key = before.key.clone();
        if let Some((host, port)) = upstream.target() {
            (key.host, key.port) = (host.into(), port);
        }
        if let Some(name) = upstream.name() {
            // Kong: looks for a group of targets of this name first.
            key.host = name.into();
        }
        match (upstream.scheme(), key.tls) {
            (Some("https"), None) => key.tls = Some(Verify::Yes),
            (Some("http"), Some(_)) => key.tls = None,
            _ => {}
        }
        if let (Some(verify), Some(_)) = (upstream.tls_verify(), key.tls) {
            key.tls = Some(if verify { Verify::Yes } else { Verify::No });
        }
        if key == before.key { Ok(None) } else { Self::new(key).map(Some) }
    }

    /// The same way to another host.
    pub(crate) fn at(&self, host: &str, port: u16) -> Result<Self, BoxError> {
        Self::new(Key { host: host.into(), port, ..self.key.clone() })
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
