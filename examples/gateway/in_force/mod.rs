//! What is in force: what is configured, made ready for requests.

pub(crate) mod router;
pub(crate) mod snapshot;
