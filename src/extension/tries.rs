//! [`Tries`]: where a request was sent, for functions.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use http::StatusCode;

/// Where a forwarder has tried to send a request, one address after the other: the `tries` of
/// `kong.log.serialize()`, `ngx.var.upstream_addr` and `ngx.ctx.balancer_data.tries`.
///
/// Whoever forwards puts this into the extensions of the response, or of the page that it answers with
/// where no try was good.
///
/// ```
/// use std::time::SystemTime;
/// use tower_lua::{Tries, Try};
///
/// let first = Try::new("192.0.2.7:80".parse()?, SystemTime::now());
/// let second = Try::new("192.0.2.8:80".parse()?, SystemTime::now());
/// let mut response = http::Response::new("of the second");
/// let tries = Tries::from_iter([first.failed(http::StatusCode::BAD_GATEWAY), second]);
/// response.extensions_mut().insert(tries);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tries(Arc<[Try]>);

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    pub(crate) addr: SocketAddr,
    pub(crate) began: SystemTime,
    pub(crate) failure: Option<StatusCode>,
}

impl Try {
    /// A try at `addr`, which `began` then.
    #[must_use]
    pub const fn new(addr: SocketAddr, began: SystemTime) -> Self {
        Self { addr, began, failure: None }
    }

    /// Says that it has failed, and with which status the client would have been answered.
    #[must_use]
    pub const fn failed(mut self, status: StatusCode) -> Self {
        self.failure = Some(status);
        self
    }
}

impl Tries {
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Try> {
        self.0.iter()
    }
}

impl FromIterator<Try> for Tries {
    fn from_iter<T: IntoIterator<Item = Try>>(tries: T) -> Self {
        Self(tries.into_iter().collect())
    }
}
