//! [`Tls`]: what the handshake has settled.

use std::sync::Arc;

use super::known;

/// What the TLS handshake of a request's connection has settled: put it into the request's
/// extensions, beside a [`Connection`](crate::Connection) that says that it is encrypted.
///
/// The `request.tls` of `kong.log.serialize()` has version, cipher and the outcome of the client's
/// verification; `kong.client.tls.get_full_client_certificate_chain()` the certificates.
///
/// ```
/// use tower_lua::{Connection, Tls};
///
/// let tls = Tls::new("TLSv1.3", "TLS_AES_256_GCM_SHA384").with_client_verify("SUCCESS");
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(tls);
/// request.extensions_mut().insert(Connection::new("192.0.2.7:50123".parse()?).with_tls(true));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    version: Arc<str>,
    cipher: Arc<str>,
    client_verify: Option<Arc<str>>,
    client_certificate_chain: Option<Arc<str>>,
    server_name: Option<Arc<str>>,
}

impl Tls {
    /// A connection of this protocol version and cipher suite, in the words of OpenSSL: `TLSv1.3`
    /// and `TLS_AES_256_GCM_SHA384` for example.
    #[must_use]
    pub fn new(version: &str, cipher: &str) -> Self {
        known::note();
        Self {
            version: version.into(),
            cipher: cipher.into(),
            client_verify: None,
            client_certificate_chain: None,
            server_name: None,
        }
    }

    /// Says what came of looking at the client's certificate: `SUCCESS`, `FAILED:reason`, or `NONE`
    /// when there was none, which is the default.
    #[must_use]
    pub fn with_client_verify(mut self, outcome: &str) -> Self {
        self.client_verify = Some(outcome.into());
        self
    }

    /// Adds the client's certificate and those that it was sent with, in PEM.
    #[must_use]
    pub fn with_client_certificate_chain(mut self, pem: &str) -> Self {
        self.client_certificate_chain = Some(pem.into());
        self
    }

    /// Adds the server name that the client asked for: `ngx.var.ssl_server_name`.
    #[must_use]
    pub fn with_server_name(mut self, name: &str) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// The server name that the client asked for.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn cipher(&self) -> &str {
        &self.cipher
    }

    pub(crate) fn client_verify(&self) -> &str {
        self.client_verify.as_deref().unwrap_or("NONE")
    }

    pub(crate) fn client_certificate_chain(&self) -> Option<&str> {
        self.client_certificate_chain.as_deref()
    }
}
