//! [`RetryCallback`]: a function that says where to try again.

use std::fmt;

use super::exchange::Exchange;
use crate::error::Error;
use crate::function;

/// What `kong.service.set_target_retry_callback` was given; the layer puts it into the request's
/// extensions.
///
/// A forwarder calls it when the target that [`Upstream::target`](crate::Upstream::target) names
/// cannot be reached and it would try again.
///
/// ```
/// use tower_lua::{RetryCallback, Upstream};
///
/// /// The targets to try, one after the other.
/// fn targets<B>(request: &http::Request<B>, retries: usize) -> impl Iterator<Item = (String, u16)> {
///     let first = request.extensions().get::<Upstream>().and_then(Upstream::target);
///     let first = first.map(|(host, port)| (host.to_owned(), port));
///     let callback = request.extensions().get::<RetryCallback>().cloned();
///     let again = std::iter::from_fn(move || callback.as_ref()?.call().ok().flatten());
///     first.into_iter().chain(again.take(retries))
/// }
/// # assert_eq!(targets(&http::Request::new(()), 5).count(), 0);
/// ```
#[derive(Clone)]
pub struct RetryCallback {
    exchange: Exchange,
}

impl RetryCallback {
    pub(super) fn new(exchange: Exchange) -> Self {
        Self { exchange }
    }

    /// Asks the function where to try next: the host and port, or `None` for where the request was
    /// to go all along.
    ///
    /// It runs at once, in the request's VM and on its budget, and sees the phase `access`.
    ///
    /// # Errors
    ///
    /// When it fails, waits, ends the request or answers `nil`, all of which is logged; and when the
    /// request has been answered already.
    pub fn call(&self) -> Result<Option<(String, u16)>, Error> {
        let Some(mut lease) = self.exchange.lease() else {
            return Err(Error::config("there is no request to be tried again"));
        };
        let runtime = self.exchange.runtime();
        lease.with(|transaction| function::next_target(runtime.pool(), transaction))
    }
}

impl fmt::Debug for RetryCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryCallback").finish_non_exhaustive()
    }
}
