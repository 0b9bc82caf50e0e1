//! What the application and the layers tell each other of a request, in its extensions.

mod client_uri;
mod entity;
mod facts;
mod header_names;
mod host_call;
mod known;
mod service_times;
mod shared;
mod tls;
mod trace;
mod tries;
mod upstream;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use http::Extensions;

pub use self::client_uri::ClientUri;
pub(crate) use self::entity::Fields;
pub use self::entity::{Consumer, Credential, Route, Service};
pub(crate) use self::facts::Facts;
pub use self::facts::RequestFacts;
pub use self::header_names::HeaderNames;
pub use self::host_call::HostCall;
pub(crate) use self::known::Known;
pub use self::service_times::ServiceTimes;
pub(crate) use self::shared::ReadShared;
pub use self::shared::Shared;
pub use self::tls::Tls;
pub use self::trace::{SpanEvent, SpanId, Trace, TraceId, TraceSpan, TraceSpans};
pub use self::tries::{Tries, Try};
pub(crate) use self::upstream::Destination;
pub use self::upstream::{Timeouts, Upstream};
use crate::message::random;

/// The connection that a request came on: put it into the request's extensions for functions to
/// see addresses, ports and the scheme.
///
/// Without it, `kong.client.get_ip()` and `ngx.var.remote_addr` are nil, and scheme and port are
/// taken from the request's URI and `Host`.
///
/// ```
/// use tower_lua::Connection;
///
/// let mut request = http::Request::new(());
/// let peer = "192.0.2.7:50123".parse()?;
/// request.extensions_mut().insert(Connection::new(peer).with_tls(true));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    peer: SocketAddr,
    local: Option<SocketAddr>,
    tls: bool,
}

impl Connection {
    /// A plain connection from `peer`.
    #[must_use]
    pub const fn new(peer: SocketAddr) -> Self {
        Self { peer, local: None, tls: false }
    }

    /// Sets the address at which the connection arrived: `ngx.var.server_addr`, `server_port`.
    #[must_use]
    pub const fn with_local_addr(mut self, local: SocketAddr) -> Self {
        self.local = Some(local);
        self
    }

    /// Says whether the connection is encrypted: `kong.request.get_scheme()` is `https` then.
    #[must_use]
    pub const fn with_tls(mut self, tls: bool) -> Self {
        self.tls = tls;
        self
    }

    /// The address at the other end.
    #[must_use]
    pub const fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// The address at this end, if it was given.
    #[must_use]
    pub const fn local_addr(&self) -> Option<SocketAddr> {
        self.local
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.tls
    }
}

/// The id of a request: `$kong_request_id`, the `request_id` of error bodies.
///
/// Put one into the request's extensions to have functions use the id that the application logs;
/// otherwise a request gets a random one. The inner service finds it in the extensions, and each event
/// of [`tracing`] that tells of a function has it in the field `request_id`. With the feature `tower-http`,
/// the id of `tower_http::request_id::SetRequestIdLayer` is taken where there is no other.
///
/// ```
/// use tower_lua::RequestId;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(RequestId::new("4bf92f3577b34da6"));
/// assert_eq!(RequestId::random().as_str().len(), 32);
/// ```
#[derive(Clone)]
pub struct RequestId(Arc<OnceLock<Id>>);

/// The text of an id.
enum Id {
    Given(Box<str>),
    Random(Digits),
}

/// Where words begin, for they are looked at by words.
#[repr(align(8))]
struct Digits([u8; 32]);

impl RequestId {
    /// The id `id`.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(Arc::new(OnceLock::from(Id::Given(id.into()))))
    }

    /// An id of 32 hexadecimal digits that no other request has.
    #[must_use]
    pub fn random() -> Self {
        // Most are never looked at: the digits are made for the first who does.
        Self(Arc::default())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self.0.get_or_init(|| Id::Random(Self::digits())) {
            Id::Given(id) => id,
            Id::Random(Digits(digits)) => std::str::from_utf8(digits).expect("hexadecimal digits"),
        }
    }

    /// The id that the application has given a request, if it has.
    pub(crate) fn given(extensions: &Extensions) -> Option<Self> {
        let given = extensions.get().cloned();
        #[cfg(feature = "tower-http")]
        let given = given.or_else(|| {
            let theirs = extensions.get::<tower_http::request_id::RequestId>()?;
            theirs.header_value().to_str().ok().map(Self::new)
        });
        given
    }

    fn digits() -> Digits {
        // As `{:032x}` has them, without its machinery: a gateway makes one for every request.
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(random::bits().to_be_bytes()) {
            pair.copy_from_slice(&[
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 0xf)],
            ]);
        }
        Digits(digits)
    }
}

impl PartialEq for RequestId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.as_str() == other.as_str()
    }
}

impl Eq for RequestId {}

impl Hash for RequestId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestId").field(&self.as_str()).finish()
    }
}

/// Who made a response: what `kong.response.get_source()` says of it.
///
/// A response of the inner service counts as the service's own. A proxy whose service could not be
/// reached puts this into the extensions of the page that it answers with instead.
///
/// ```
/// use tower_lua::ResponseSource;
///
/// let mut page = http::Response::new("Bad Gateway");
/// page.extensions_mut().insert(ResponseSource::Error);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseSource {
    /// Somebody answered for the service, on purpose.
    Exit,
    /// Something went wrong before the service could answer.
    Error,
}

/// Where a router has decided that a request goes, path and query: `ngx.var.upstream_uri` before a
/// function sets it.
///
/// Put one into the request's extensions where the service gets another path than the client asked
/// for.
///
/// ```
/// use tower_lua::UpstreamUri;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(UpstreamUri::new("/base/orders"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamUri(Arc<str>);

impl UpstreamUri {
    /// The path `path`, escaped as a URI has it.
    #[must_use]
    pub fn new(path: &str) -> Self {
        Self(path.into())
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// That a function has led the request elsewhere, with `ngx.exec` or `ngx.req.set_uri(uri, true)`: the
/// layer puts it into the request's extensions.
///
/// The request's URI is the new one. A layer that stands outside a router need not care: the router
/// looks at that. Whoever has chosen a route before the functions ran looks for this, and chooses
/// again.
///
/// ```
/// use axum::{Router, routing::get};
/// use tower::Layer;
/// use tower_lua::{Functions, PreFunctionLayer};
///
/// let functions = Functions::access("moved", r#"
///     if ngx.var.uri == "/old" then
///       return ngx.exec("/new", { from = "old" })
///     end
/// "#)?;
/// let router: Router = Router::new().route("/new", get(|| async { "here" }));
/// // `Router::layer` would run the functions after a route was found: around the router they run
/// // before.
/// let app = PreFunctionLayer::new(functions).layer(router);
/// # Ok::<(), tower_lua::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternalRedirect {
    original: Arc<str>,
}

impl InternalRedirect {
    pub(crate) fn new(original: String) -> Self {
        Self { original: original.into() }
    }

    /// Path and query that the client has asked for.
    #[must_use]
    pub fn original(&self) -> &str {
        &self.original
    }
}

/// That the client is to get the end of its connection and no response, because a function has called
/// `ngx.exit(444)`: the layer puts it into the response's extensions.
///
/// A layer cannot close connections. Whoever serves them looks for this, and fails the request
/// instead of answering; hyper closes the connection then.
///
/// ```
/// use std::io;
/// use tower_lua::CloseConnection;
///
/// fn closing<B>(response: http::Response<B>) -> io::Result<http::Response<B>> {
///     match response.extensions().get::<CloseConnection>() {
///         Some(CloseConnection) => Err(io::ErrorKind::ConnectionAborted.into()),
///         None => Ok(response),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseConnection;

/// What a router found in the path: put it into the request's extensions for
/// `kong.request.get_uri_captures()`.
///
/// ```
/// use tower_lua::UriCaptures;
///
/// let captures = UriCaptures::default().with_unnamed("v1").with_named("user", "alice");
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(captures);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UriCaptures {
    pub(crate) unnamed: Vec<String>,
    pub(crate) named: Vec<(String, String)>,
}

impl UriCaptures {
    /// Adds a capture group, in the order of their numbers.
    #[must_use]
    pub fn with_unnamed(mut self, value: impl Into<String>) -> Self {
        self.unnamed.push(value.into());
        self
    }

    /// What was found by this name, if anything.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&str> {
        let found = self.named.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Adds a named capture group or path parameter.
    #[must_use]
    pub fn with_named(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.named.push((name.into(), value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_ids_differ() {
        let ids = (0..1000).map(|_| RequestId::random().as_str().to_owned());
        let ids: std::collections::HashSet<_> = ids.collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.bytes().all(|b| b.is_ascii_hexdigit())));
    }
}
