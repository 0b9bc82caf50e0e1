//! [`Upstream`]: what functions ask of whoever forwards the request.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::lua::Share;
use crate::message::headers::{self, Refused};

/// What functions have asked of whoever forwards the request; the layer puts it into the request's
/// extensions when they asked for something.
///
/// Each answer is `None` when no function has asked: then the forwarder does what it does anyway.
///
/// ```
/// use tower_lua::Upstream;
///
/// /// Where a request goes: to the service that `route` names, or where functions have sent it.
/// fn authority<B>(request: &http::Request<B>, route: &str) -> String {
///     let upstream = request.extensions().get::<Upstream>();
///     match upstream.and_then(Upstream::target) {
///         Some((host, port)) => format!("{host}:{port}"),
///         None => route.to_owned(),
///     }
/// }
/// # assert_eq!(authority(&http::Request::new(()), "service:80"), "service:80");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    pub(crate) scheme: Option<&'static str>,
    pub(crate) host: Option<Box<HeaderValue>>,
    pub(crate) has_path: bool,
    /// The request's own URI, where functions have set a path to forward to.
    pub(crate) requested_uri: Option<Box<Uri>>,
    /// What few functions ask for.
    balancer: Option<Box<Balancer>>,
}

/// What `kong.service.*` sets: Kong's `balancer_data`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Balancer {
    pub(crate) destination: Option<Destination>,
    pub(crate) retries: Option<u32>,
    pub(crate) timeouts: Option<Timeouts>,
    pub(crate) tls_verify: Option<bool>,
    pub(crate) tls_verify_depth: Option<u32>,
    headers: HeaderMap,
}

/// Where a function has sent the request. The last call counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// One of several targets, by the name of the group.
    Upstream(String),
    Target(String, u16),
}

/// How long a forwarder waits: what `kong.service.set_timeouts` was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection to the service.
    pub connect: Duration,
    /// Between two writes of the request.
    pub send: Duration,
    /// Between two reads of the response.
    pub read: Duration,
}

impl Upstream {
    /// What `kong.service.request.set_scheme` was given: `http` or `https`.
    #[must_use]
    pub const fn scheme(&self) -> Option<&'static str> {
        self.scheme
    }

    /// The `Host` header that `kong.service.request.set_header` was given; the request has it, too.
    #[must_use]
    pub const fn host(&self) -> Option<&HeaderValue> {
        match &self.host {
            Some(host) => Some(host),
            None => None,
        }
    }

    /// Whether the path of the request's URI is what `kong.service.request.set_path` was given: the
    /// whole path for the service, from which nothing is to be stripped and to which nothing is to
    /// be added.
    #[must_use]
    pub const fn has_path(&self) -> bool {
        self.has_path
    }

    /// The URI that the client asked for, where functions have set the path to forward to: takes it
    /// away, and [`has_path`](Self::has_path) is false from then on.
    ///
    /// For a router that looks for a route after functions have run: the path that they have set is
    /// for the service, and says nothing of which service that is.
    pub fn take_requested_uri(&mut self) -> Option<Uri> {
        let uri = self.requested_uri.take()?;
        self.has_path = false;
        Some(*uri)
    }

    /// Headers that the service is to get in the place of what a proxy would say: the `X-Forwarded-*`
    /// that `ngx.var.upstream_x_forwarded_for` and its like were set to. The request has them, too. One
    /// that is empty is to be left out.
    pub fn headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.asked().into_iter().flat_map(|asked| &asked.headers)
    }

    /// The host and port that `kong.service.set_target` was given. The host is a name or an
    /// address; nobody has looked it up.
    ///
    /// Of [`target`](Self::target) and [`name`](Self::name) there is the one that was set last.
    #[must_use]
    pub fn target(&self) -> Option<(&str, u16)> {
        match self.asked()?.destination.as_ref()? {
            Destination::Target(host, port) => Some((host, *port)),
            Destination::Upstream(_) => None,
        }
    }

    /// The name of the group of targets that `kong.service.set_upstream` was given.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self.asked()?.destination.as_ref()? {
            Destination::Upstream(name) => Some(name),
            Destination::Target(..) => None,
        }
    }

    /// How often to try again, from `kong.service.set_retries`: 0 to 32767.
    #[must_use]
    pub fn retries(&self) -> Option<u32> {
        self.asked()?.retries
    }

    /// What `kong.service.set_timeouts` was given.
    #[must_use]
    pub fn timeouts(&self) -> Option<Timeouts> {
        self.asked()?.timeouts
    }

    /// Whether to verify the certificate of the service: `kong.service.set_tls_verify`.
    #[must_use]
    pub fn tls_verify(&self) -> Option<bool> {
        self.asked()?.tls_verify
    }

    /// How many certificates may stand between the service's and a trusted one:
    /// `kong.service.set_tls_verify_depth`.
    #[must_use]
    pub fn tls_verify_depth(&self) -> Option<u32> {
        self.asked()?.tls_verify_depth
    }

    /// Whether nobody has asked for anything.
    pub(crate) const fn is_empty(&self) -> bool {
        self.scheme.is_none() && self.host.is_none() && !self.has_path && self.balancer.is_none()
    }

    fn asked(&self) -> Option<&Balancer> {
        self.balancer.as_deref()
    }

    pub(crate) fn balancer_mut(&mut self) -> &mut Balancer {
        self.balancer.get_or_insert_default()
    }

    /// Asks for a header; with no bytes, for its absence.
    pub(crate) fn set_header(
        &mut self,
        name: &HeaderName,
        value: &[u8],
        share: &mut Share,
    ) -> Result<(), Refused> {
        let value = headers::held_value(name, value, false, share)?;
        self.balancer_mut().headers.insert(name, value);
        Ok(())
    }

    /// Adds what functions of another layer have asked for.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.scheme = other.scheme.or(self.scheme);
        if other.host.is_some() {
            self.host.clone_from(&other.host);
        }
        self.has_path |= other.has_path;
        if let Some(uri) = &other.requested_uri {
            self.requested_uri.get_or_insert_with(|| uri.clone());
        }
        if let Some(other) = &other.balancer {
            self.balancer_mut().extend(other);
        }
    }
}

impl Balancer {
    fn extend(&mut self, other: &Self) {
        if other.destination.is_some() {
            self.destination.clone_from(&other.destination);
        }
        self.retries = other.retries.or(self.retries);
        self.timeouts = other.timeouts.or(self.timeouts);
        self.tls_verify = other.tls_verify.or(self.tls_verify);
        self.tls_verify_depth = other.tls_verify_depth.or(self.tls_verify_depth);
        for (name, value) in &other.headers {
            self.headers.insert(name, value.clone());
        }
    }
}
