//! What a router is asked by.

use http::HeaderMap;

use super::host::RequestHost;

/// What a router is asked by.
pub(crate) struct Query<'a> {
    pub(crate) method: &'a str,
    pub(crate) host: RequestHost<'a>,
    /// The path, normalised, without the query.
    pub(crate) path: &'a [u8],
    pub(crate) headers: &'a HeaderMap,
    pub(crate) is_tls: bool,
    /// The server name that the client gave in its TLS handshake.
    pub(crate) sni: Option<&'a str>,
}
