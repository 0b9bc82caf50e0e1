//! [`HostCall`]: for which request a function of the application's is called.

use std::fmt;

use http::{Extensions, HeaderMap, Method, Uri};

use super::RequestId;
use crate::phase::Phase;

/// A call of a function that the application has given to Lua: for which request, and from where.
/// [`RuntimeBuilder::function`](crate::RuntimeBuilder::function) and
/// [`async_function`](crate::RuntimeBuilder::async_function) get one.
///
/// In a [timer](crate::guide::phases#timers) there is no request, and nothing to be seen of one but the
/// id of that which started it.
///
/// ```
/// use tower_lua::{Phase, Runtime};
///
/// /// What the application's own middleware has put into the request's extensions.
/// #[derive(Clone)]
/// struct Tenant(String);
///
/// let runtime = Runtime::builder()
///     .function("acme.tenant", "name", |call, (): ()| {
///         let tenant = call.extensions().get::<Tenant>();
///         Ok(tenant.map(|tenant| tenant.0.clone()))
///     })
///     .build()?;
/// # Ok::<(), tower_lua::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct HostCall<'a> {
    pub(crate) extensions: &'a Extensions,
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) request_id: &'a RequestId,
    pub(crate) phase: Phase,
    pub(crate) function_set: &'a str,
}

impl<'a> HostCall<'a> {
    /// The request's extensions, as they were when it came to the innermost layer whose functions have
    /// run.
    #[must_use]
    pub const fn extensions(&self) -> &'a Extensions {
        self.extensions
    }

    /// The request's method, as functions see it.
    #[must_use]
    pub const fn method(&self) -> &'a Method {
        self.method
    }

    /// The request's URI, as functions see it.
    #[must_use]
    pub const fn uri(&self) -> &'a Uri {
        self.uri
    }

    /// The request's headers, as functions see them.
    #[must_use]
    pub const fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// The request's id.
    #[must_use]
    pub const fn request_id(&self) -> &'a RequestId {
        self.request_id
    }

    /// The phase of the Lua function that calls.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The name of the set that it is of.
    #[must_use]
    pub const fn function_set(&self) -> &'a str {
        self.function_set
    }
}

impl fmt::Debug for HostCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostCall")
            .field("function_set", &self.function_set)
            .field("phase", &self.phase)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}
