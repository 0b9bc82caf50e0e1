//! Requests that no service gets to see, because they could be understood in two ways or are for
//! somebody else: nginx's checks.

use http::header::{HOST, TRANSFER_ENCODING};
use http::{HeaderValue, Method, Request, StatusCode, Version};

/// What is wrong with a request, as a status.
pub(crate) fn refusal<B>(request: &Request<B>) -> Option<StatusCode> {
    if [Method::CONNECT, Method::TRACE].contains(request.method()) {
        return Some(StatusCode::METHOD_NOT_ALLOWED);
    }
    let is_sound = match request.version() {
        Version::HTTP_09 | Version::HTTP_10 => names_host(request, true),
        Version::HTTP_11 => names_host(request, false),
        // There the pseudo-header does.
        _ => names_host(request, request.uri().authority().is_some()) && names_one_host(request),
    };
    if is_sound { coding(request) } else { Some(StatusCode::BAD_REQUEST) }
}

/// Whether the request has one `Host`, or none where that `may_be_missing`.
fn names_host<B>(request: &Request<B>, may_be_missing: bool) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => may_be_missing,
        (Some(host), None) => is_host(host),
        (Some(_), Some(_)) => false,
    }
}

/// Whether the pseudo-header and `Host` agree (RFC 9113, section 8.3.1).
fn names_one_host<B>(request: &Request<B>) -> bool {
    let (authority, host) = (request.uri().authority(), request.headers().get(HOST));
    authority.zip(host).is_none_or(|(authority, host)| {
        host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes())
    })
}

/// Whether a host could be one, as far as nginx looks.
fn is_host(host: &HeaderValue) -> bool {
    let host = host.as_bytes();
    let mut before = 0;
    !host.is_empty()
        && host.iter().all(|&byte| {
            let is_foreign = byte <= b' ' || matches!(byte, b'/' | b'\\' | 0x7f);
            let is_twice = byte == b'.' && before == b'.';
            before = byte;
            !is_foreign && !is_twice
        })
}

/// What is wrong with the codings of the body. hyper has looked at the last of them alone.
fn coding<B>(request: &Request<B>) -> Option<StatusCode> {
    let mut codings = request.headers().get_all(TRANSFER_ENCODING).iter();
    let coding = codings.next()?;
    if codings.next().is_some() {
        return Some(StatusCode::BAD_REQUEST);
    }
    let is_chunked = coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    (!is_chunked).then_some(StatusCode::NOT_IMPLEMENTED)
}
