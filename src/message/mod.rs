//! What HTTP messages are made of: URIs, headers, gRPC, the page that Kong shows for an
//! error, and the random bits of ids.

pub(crate) mod error_page;
pub(crate) mod grpc;
pub(crate) mod headers;
pub(crate) mod random;
pub(crate) mod uri;
