//! What HTTP messages are made of: URIs, headers, gRPC, the page that Kong shows for an
//! error, and the random bits of ids.

pub(crate) mod error_page;
pub(crate) mod grpc;
pub(crate) mod headers;
pub(crate) mod random;
pub(crate) mod uri;

/// Whether nothing follows the head of a response with this status (RFC 9112, section 6.3).
pub(crate) const fn has_no_body(status: u16) -> bool {
    matches!(status, 100..200 | 204 | 304)
}
