//! [`RequestFacts`]: what a server knows of a request, asked for when functions ask.

use std::fmt;
use std::sync::Arc;

use super::{Connection, RequestId, Route, Service, Tls, Tries, UpstreamUri, UriCaptures};

/// What a server knows of a request and functions may ask for, in the place of an extension for each: what nobody
/// asks for need not be made, and a request carries one companion instead of seven.
///
/// [`RuntimeBuilder::facts`](crate::RuntimeBuilder::facts) says where it is. Where a request has the extension,
/// too, that counts. A layer between may find out more while the request passes, as a router does.
///
/// ```
/// use std::sync::Arc;
///
/// use tower_lua::{Connection, RequestFacts, RequestId, Runtime};
///
/// /// A request's companion, which the server puts into its extensions.
/// struct Companion {
///     connection: Connection,
///     id: RequestId,
/// }
///
/// impl RequestFacts for Companion {
///     fn connection(&self) -> Option<&Connection> {
///         Some(&self.connection)
///     }
///
///     fn request_id(&self) -> Option<&RequestId> {
///         Some(&self.id)
///     }
/// }
///
/// let runtime = Runtime::builder()
///     .facts(|extensions| Some(extensions.get::<Arc<Companion>>()?.clone()))
///     .build()?;
/// # Ok::<(), tower_lua::Error>(())
/// ```
pub trait RequestFacts: Send + Sync {
    /// The connection that the request came on.
    fn connection(&self) -> Option<&Connection> {
        None
    }

    /// What is known of its encryption.
    fn tls(&self) -> Option<&Tls> {
        None
    }

    /// The id of the request. The inner service finds none in the extensions then.
    fn request_id(&self) -> Option<&RequestId> {
        None
    }

    /// The route of the request.
    fn route(&self) -> Option<&Route> {
        None
    }

    /// The service of the request.
    fn service(&self) -> Option<&Service> {
        None
    }

    /// What the router found in the path.
    fn uri_captures(&self) -> Option<&UriCaptures> {
        None
    }

    /// Where the router has decided that the request goes.
    fn upstream_uri(&self) -> Option<&UpstreamUri> {
        None
    }

    /// Where the request was sent, once there is a response: in the place of the extension of that.
    fn tries(&self) -> Option<Tries> {
        None
    }

    /// Whether a router has decided: whether there is an [`upstream_uri`](Self::upstream_uri), without it being made.
    fn is_routed(&self) -> bool {
        self.upstream_uri().is_some()
    }
}

/// Those of one request, if its server has any.
#[derive(Clone, Default)]
pub(crate) struct Facts(pub(crate) Option<Arc<dyn RequestFacts>>);

impl Facts {
    /// One of them.
    pub(crate) fn ask<'a, T>(&'a self, one: fn(&'a dyn RequestFacts) -> Option<T>) -> Option<T> {
        one(self.0.as_deref()?)
    }

    /// Whether a router has decided where the request goes.
    pub(crate) fn is_routed(&self) -> bool {
        self.0.as_ref().is_some_and(|facts| facts.is_routed())
    }
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts").finish_non_exhaustive()
    }
}
