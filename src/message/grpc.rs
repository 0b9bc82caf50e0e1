//! gRPC over HTTP/2: what tells a call, and how its statuses go with those of HTTP.

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName};

pub(crate) const MIME: &str = "application/grpc";

pub(crate) const STATUS: HeaderName = HeaderName::from_static("grpc-status");
pub(crate) const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// Whether the content type is gRPC's.
pub(crate) fn is_content_type(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(MIME.as_bytes()))
}

/// The gRPC status that stands for an HTTP status, and its name.
pub(crate) const fn status_of(status: u16) -> (&'static str, &'static str) {
    match status {
        401 => ("16", "Unauthenticated"),
        403 => ("7", "PermissionDenied"),
        404 => ("5", "NotFound"),
        409 => ("6", "AlreadyExists"),
        429 => ("8", "ResourceExhausted"),
        499 => ("1", "Canceled"),
        501 => ("12", "Unimplemented"),
        503 => ("14", "Unavailable"),
        504 => ("4", "DeadlineExceeded"),
        200..=299 => ("0", "OK"),
        400..=498 => ("3", "InvalidArgument"),
        500..=599 => ("13", "Internal"),
        _ => ("2", "Unknown"),
    }
}
