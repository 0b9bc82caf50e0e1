//! What is in force: what is configured, made ready for requests.

pub(crate) mod balancer;
pub(crate) mod certificates;
mod change;
pub(crate) mod consumers;
pub(crate) mod failures;
pub(crate) mod plugins;
pub(crate) mod published;
mod route;
pub(crate) mod router;
pub(crate) mod snapshot;
pub(crate) mod target;
pub(crate) mod timeouts;
pub(crate) mod trust;
