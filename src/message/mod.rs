//! What HTTP messages are made of: URIs, headers, gRPC, the page that Kong shows for an
//! error.

pub(crate) mod error_page;
pub(crate) mod grpc;
pub(crate) mod headers;
pub(crate) mod uri;
