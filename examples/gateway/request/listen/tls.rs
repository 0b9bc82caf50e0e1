//! TLS of clients: certificates, server names, and the functions of the `certificate` phase.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ResolvesServerCertUsingSni};
use rustls::sign::CertifiedKey;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tower_lua::{Connection, Plugin, Runtime, Tls};

use crate::BoxError;
use crate::in_force::published::Published;
use crate::request::socket::Socket;

/// What TLS connections are accepted with.
#[derive(Clone)]
pub(crate) struct TlsAcceptor {
    configs: [Arc<ServerConfig>; 2],
    published: Published,
    runtime: Runtime,
}

/// A connection whose handshake is over.
pub(super) struct Accepted {
    pub(super) stream: TlsStream<Socket>,
    pub(super) tls: Tls,
    pub(super) server_name: Option<Arc<str>>,
    pub(super) is_http2: bool,
}

impl TlsAcceptor {
    /// Accepts with the certificates of PEM files, each with the key of the same place, or with one
    /// that is made for this process.
    ///
    /// # Errors
    ///
    /// When a file is not what it should be.
    pub(crate) fn new(
        certificates: &[impl AsRef<Path>],
        keys: &[impl AsRef<Path>],
        published: Published,
        runtime: Runtime,
    ) -> Result<Self, BoxError> {
        if certificates.len() != keys.len() {
            return Err("--ssl-cert and --ssl-cert-key must name as many files".into());
        }
        let pairs = certificates.iter().zip(keys);
        let read = pairs.map(|(certificate, key)| read(certificate.as_ref(), key.as_ref()));
        let mut certificates = read.collect::<Result<Vec<_>, BoxError>>()?;
        if certificates.is_empty() {
            tracing::warn!(
                "no --ssl-cert: clients get a certificate for 'localhost' that was made just now, \
                 and that none of them believes"
            );
            certificates.push(self_signed()?);
        }
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Certificates {
                files: certificates,
                published: published.clone(),
            }));
        let mut http1 = config.clone();
        http1.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { configs: [Arc::new(http1), Arc::new(config)], published, runtime })
    }

    /// Shakes hands, if functions let it be.
    pub(super) async fn accept(
        &self,
        stream: Socket,
        connection: Connection,
        offers_http2: bool,
    ) -> io::Result<Accepted> {
        let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
        let server_name: Option<Arc<str>> = start.client_hello().server_name().map(Arc::from);
        self.ask_functions(connection, server_name.as_deref()).await?;
        let config = Arc::clone(&self.configs[usize::from(offers_http2)]);
        let stream = start.into_stream(config).await?;
        let (_, session) = stream.get_ref();
        let is_http2 = session.alpn_protocol() == Some(b"h2");
        let version = match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLSv1.3",
        };
        let suite = session.negotiated_cipher_suite().map(|suite| suite.suite());
        let cipher = suite.and_then(|suite| suite.as_str()).unwrap_or_default();
        // OpenSSL's name for what rustls calls `TLS13_…`.
        let mut tls = Tls::new(version, &cipher.replacen("TLS13_", "TLS_", 1));
        if let Some(name) = &server_name {
            tls = tls.with_server_name(name);
        }
        Ok(Accepted { stream, tls, server_name, is_http2 })
    }

    /// Runs the functions of `certificate`, which global plugins have.
    async fn ask_functions(
        &self,
        connection: Connection,
        server_name: Option<&str>,
    ) -> io::Result<()> {
        let snapshot = self.published.current();
        let plugins = [Plugin::PreFunction, Plugin::PostFunction];
        for (functions, plugin) in snapshot.global().certificate().into_iter().zip(plugins) {
            let goes_on = self.runtime.certificate(functions, plugin, connection, server_name);
            match goes_on.await {
                Ok(true) => {}
                Ok(false) => return Err(io::Error::other("a function ended the handshake")),
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(())
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, BoxError> {
    let wrong = |path: &Path, error: &dyn fmt::Display| format!("{}: {error}", path.display());
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(certificate, &error))?;
    if chain.is_empty() {
        return Err(wrong(certificate, &"there is no certificate in it").into());
    }
    let der = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
    certified(chain, der).map_err(|error| wrong(key, &error).into())
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, rustls::Error> {
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &ring::default_provider())?))
}

/// A certificate that nobody believes, for `localhost`.
fn self_signed() -> Result<Arc<CertifiedKey>, BoxError> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    Ok(certified(vec![made.cert.der().clone()], key)?)
}

/// The certificates of the gateway: the entity for the server name that a client asks for, the file
/// for it, or the first file.
struct Certificates {
    files: Vec<Arc<CertifiedKey>>,
    published: Published,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let snapshot = self.published.current();
        if let Some(certificate) = snapshot.certificates().find(hello.server_name()) {
            let schemes = hello.signature_schemes();
            let suits = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(schemes).is_some();
            let mut keys = certificate.keys.iter();
            return keys.find(suits).or(certificate.keys.first()).cloned();
        }
        let suits = |key: &&Arc<CertifiedKey>| {
            let name = hello.server_name();
            name.is_some_and(|name| {
                ResolvesServerCertUsingSni::new().add(name, CertifiedKey::clone(key)).is_ok()
            })
        };
        let found = (self.files.len() > 1).then(|| self.files.iter().find(suits)).flatten();
        found.or(self.files.first()).cloned()
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("files", &self.files).finish_non_exhaustive()
    }
}
