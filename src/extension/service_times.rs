//! [`ServiceTimes`]: how long a service took, for functions.

use std::time::SystemTime;

/// When a service was asked, and when it answered: what `kong.log.serialize()` and
/// `ngx.var.upstream_response_time` say of it.
///
/// Functions measure from where their layer passes a request on. Where layers between it and the service
/// take time of their own, whoever asks the service puts this into the extensions of the response.
///
/// ```
/// use std::time::SystemTime;
/// use tower_lua::ServiceTimes;
///
/// let called = SystemTime::now();
/// let mut response = http::Response::new("of the service");
/// response.extensions_mut().insert(ServiceTimes::new(called, SystemTime::now()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceTimes {
    pub(crate) called: SystemTime,
    pub(crate) answered: SystemTime,
}

impl ServiceTimes {
    /// The service was asked at `called`, and the head of its response was there at `answered`.
    #[must_use]
    pub const fn new(called: SystemTime, answered: SystemTime) -> Self {
        Self { called, answered }
    }
}
